package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
)

// reasons maps errors of net/http to words; the first match is used. The
// error's own text is not used, because it contains the whole address and text
// from the receiver.
var reasons = []struct {
	is    func(error) bool
	words string
}{
	{kind(context.DeadlineExceeded), "no answer in time"},
	{kind(errPublic), errPublic.Error()},
	{typed[*net.DNSError], "the host was not found"},
	{kind(syscall.ECONNREFUSED), "connection refused"},
	{kind(syscall.EHOSTUNREACH), "host unreachable"},
	{kind(syscall.ENETUNREACH), "network unreachable"},
	{typed[x509.UnknownAuthorityError], "its certificate is from an unknown authority"},
	{typed[x509.HostnameError], "its certificate is for another host"},
	{typed[x509.CertificateInvalidError], "its certificate is not valid"},
	{typed[*tls.CertificateVerificationError], "its certificate cannot be verified"},
	{kind(http.ErrSchemeMismatch), "it does not speak TLS"},
	{typed[tls.RecordHeaderError], "it does not speak TLS"},
	{typed[tls.AlertError], "TLS failed"},
	{timedOut, "no answer in time"},
	{kind(syscall.ECONNRESET), "connection reset"},
	{kind(io.EOF), "connection closed without an answer"},
	{kind(io.ErrUnexpectedEOF), "connection closed within the answer"},
}

func why(ctx context.Context, err error) string {
	if errors.Is(ctx.Err(), context.Canceled) {
		return "stopped"
	}
	for _, reason := range reasons {
		if reason.is(err) {
			return reason.words
		}
	}
	return "no valid answer"
}

func kind(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func typed[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func timedOut(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

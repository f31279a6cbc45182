// Command go receives webhooks of the WeChat gateway, to try it out or to begin
// with:
//
//	WECHAT_WEBHOOK_SECRET=… go run ./docs/receivers/go -listen 127.0.0.1:8090
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

const maxBody = 64 << 10 // bytes; the gateway sends less than 64 KiB

// event is the part of a body that this receiver looks at.
type event struct {
	Type string `json:"type"`
	Data struct {
		User       string `json:"user"`        // X-Wechat-User
		FormerUser string `json:"former_user"` // merged: the id that becomes User
	} `json:"data"`
}

// receiver answers webhooks. The answer matters: 204 is "done, never again";
// everything else brings the same event, with the same id, once more.
type receiver struct {
	verifier verifier

	mu   sync.Mutex
	seen map[string]bool // a real app keeps the ids in a table, written in the transaction of the work
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBody))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if err := r.verifier.verify(request.Header, body, time.Now()); err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if err := r.once(request.Header.Get("webhook-id"), body); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// once deals with an event unless it did so before.
func (r *receiver) once(id string, body []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[id] {
		return nil
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return err
	}
	if err := handle(id, e); err != nil {
		return err
	}
	r.seen[id] = true
	return nil
}

// handle is your work. What it returns becomes a 500, and the event comes
// again.
func handle(id string, e event) error {
	_, err := fmt.Println("event", id, e.Type, e.Data.User)
	return err
}

func run() error {
	listen := flag.String("listen", "127.0.0.1:8090", "the address to listen on")
	flag.Parse()
	v, err := newVerifier(os.Getenv("WECHAT_WEBHOOK_SECRET"))
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Println("listening", listener.Addr().(*net.TCPAddr).Port)
	server := &http.Server{Handler: &receiver{verifier: v, seen: map[string]bool{}}, ReadTimeout: 10 * time.Second}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

package command

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/spf13/cobra"
)

// errNotUnderstood reports an answer that this binary cannot read.
var errNotUnderstood = errors.New("the server's answer cannot be understood; does the server have another version?")

// ask makes one call. With --json it prints what the call answered, alone;
// otherwise show prints it for people. An error of show is the command's error,
// with --json as well.
func ask[T any](cmd *cobra.Command, e *endpoint, method, path string, show func(w io.Writer, answer T) error) error {
	c, err := e.client()
	if err != nil {
		return err
	}
	body, err := c.read(cmd.Context(), method, path)
	if err != nil {
		return err
	}
	var answer T
	if len(body) > 0 { // a call that answers 204 has no answer
		if err := json.Unmarshal(body, &answer); err != nil {
			return errNotUnderstood
		}
	}
	out := cmd.OutOrStdout()
	if e.json {
		if _, err := out.Write(body); err != nil {
			return err
		}
		out = io.Discard // show still says whether the answer is a success
	}
	return show(out, answer)
}

// says returns a show function of ask that prints one sentence.
func says[T any](sentence string) func(io.Writer, T) error {
	return func(w io.Writer, _ T) error {
		_, err := io.WriteString(w, sentence+"\n")
		return err
	}
}

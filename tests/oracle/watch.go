package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"time"
)

// The code under question can fall into a loop that never ends. So requests are answered by a
// second process, which is replaced when it does not answer in time.

const patience = 5 * time.Second

type worker struct {
	process *exec.Cmd
	in      io.WriteCloser
	answers chan []byte
}

func startWorker() (*worker, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	process := exec.Command(program, "answer")
	process.Stderr = os.Stderr
	in, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	w := &worker{process: process, in: in, answers: make(chan []byte)}
	go func() {
		defer close(w.answers)
		lines := bufio.NewReaderSize(out, 1<<20)
		for {
			line, err := lines.ReadBytes('\n')
			if len(line) > 0 {
				w.answers <- line
			}
			if err != nil {
				return
			}
		}
	}()
	return w, nil
}

// ask returns no answer if there is none in time.
func (w *worker) ask(line []byte) ([]byte, error) {
	if _, err := w.in.Write(line); err != nil {
		return nil, err
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case answer, ok := <-w.answers:
		if !ok {
			return nil, io.ErrUnexpectedEOF
		}
		return answer, nil
	case <-timer.C:
		return nil, nil
	}
}

func (w *worker) stop() {
	w.in.Close()
	w.process.Process.Kill()
	w.process.Wait()
}

// watch passes requests on and answers passed back, and tells of requests that are not answered.
func watch(in *bufio.Reader, out *bufio.Writer) error {
	w, err := startWorker()
	if err != nil {
		return err
	}
	defer func() { w.stop() }()
	// What later requests refer to, by name.
	schemas := map[string][]byte{}
	for {
		line, end := in.ReadBytes('\n')
		if len(line) > 0 {
			var about struct {
				ID   json.RawMessage `json:"id,omitempty"`
				Op   string          `json:"op"`
				Name string          `json:"name"`
			}
			// What cannot be read is for the worker to refuse.
			_ = json.Unmarshal(line, &about)
			if about.Op == "schema" {
				schemas[about.Name] = line
			}
			answer, err := w.ask(line)
			if err != nil {
				return err
			}
			if answer == nil {
				w.stop()
				if w, err = startWorker(); err != nil {
					return err
				}
				for _, schema := range schemas {
					if _, err := w.ask(schema); err != nil {
						return err
					}
				}
				silence := map[string]any{"hang": "no answer within " + patience.String()}
				if about.ID != nil {
					silence["id"] = about.ID
				}
				answer, err = json.Marshal(silence)
				if err != nil {
					return err
				}
				answer = append(answer, '\n')
			}
			if _, err := out.Write(answer); err != nil {
				return err
			}
		}
		if in.Buffered() == 0 {
			out.Flush()
		}
		if end != nil {
			return out.Flush()
		}
	}
}

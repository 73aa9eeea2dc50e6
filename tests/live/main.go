// Command live starts a Kubernetes API server and sends requests to it.
//
//	live serve BIN       starts the servers in a folder of their own; stops them at the end of input
//	live drive CONFIG    answers JSON lines with what the server made of requests
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

type object = map[string]any

const namespace = "live"

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: live serve BIN | live drive KUBECONFIG")
		os.Exit(2)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	var err error
	switch os.Args[1] {
	case "serve":
		err = serve(ctx, os.Args[2])
	case "drive":
		err = drive(ctx, os.Args[2])
	default:
		err = fmt.Errorf("unknown command %q", os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "live:", err)
		os.Exit(1)
	}
}

// serve keeps the servers running until its input ends or it is told to stop.
func serve(ctx context.Context, bin string) error {
	dir, err := os.MkdirTemp("", "managed-fields-live-")
	if err != nil {
		return err
	}
	cluster, err := StartCluster(bin, dir)
	if err != nil {
		return err
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(os.Stdin)
		for scanner.Scan() {
			lines <- scanner.Text()
		}
	}()
	err = cluster.Prepare(ctx)
	if err == nil {
		say(object{"kubeconfig": cluster.Kubeconfig(), "dir": dir})
	}
	for err == nil {
		var line string
		var more bool
		select {
		case <-ctx.Done():
		case line, more = <-lines:
		}
		if !more {
			break
		}
		if line == "controllers" {
			if err = cluster.StartControllers(); err == nil {
				say(object{"started": line})
			}
		}
	}
	if stopped := cluster.Stop(); err == nil {
		err = stopped
	}
	return err
}

// drive answers one line after the other.
func drive(ctx context.Context, kubeconfig string) error {
	client, err := NewClient(kubeconfig)
	if err != nil {
		return err
	}
	driver := &Driver{client: client}
	input := bufio.NewReader(os.Stdin)
	for {
		line, err := input.ReadBytes('\n')
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		var command Command
		if err := json.Unmarshal(line, &command); err != nil {
			say(object{"error": err.Error()})
			continue
		}
		answer, err := driver.answer(ctx, command)
		if err != nil {
			answer = object{"error": err.Error()}
		}
		say(answer)
	}
}

func say(answer any) {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(answer); err != nil {
		os.Exit(1)
	}
}

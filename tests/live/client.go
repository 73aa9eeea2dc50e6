package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Client sends requests as they are.
type Client struct {
	http *http.Client
	base string
}

// NewClient reaches the API server of a kubeconfig.
func NewClient(kubeconfig string) (*Client, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	return &Client{http: client, base: config.Host}, nil
}

type call struct {
	verb, path  string
	query       url.Values
	contentType string
	userAgent   string
	body        []byte
}

type answer struct {
	code int
	body []byte
}

// do sends one request. Trouble on the way is an answer without a code.
func (c *Client) do(ctx context.Context, call call) answer {
	target := c.base + call.path
	if len(call.query) > 0 {
		target += "?" + call.query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, call.verb, target, bytes.NewReader(call.body))
	if err != nil {
		return answer{body: []byte(err.Error())}
	}
	contentType := call.contentType
	if contentType == "" {
		contentType = "application/json"
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Accept", "application/json")
	if call.userAgent != "" {
		request.Header.Set("User-Agent", call.userAgent)
	}
	got, err := c.http.Do(request)
	if err != nil {
		return answer{body: []byte(err.Error())}
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		return answer{body: []byte(err.Error())}
	}
	return answer{code: got.StatusCode, body: bytes.TrimSpace(body)}
}

func (c *Client) get(ctx context.Context, path string) answer {
	return c.do(ctx, call{verb: http.MethodGet, path: path})
}

// waitForType waits until a kind is served, with its schema: an apply is refused before.
func (c *Client) waitForType(ctx context.Context, version string, kind *kind) error {
	apply := call{
		verb:        http.MethodPatch,
		path:        kind.path(version, "waiting"),
		query:       url.Values{"fieldManager": {"waiting"}, "dryRun": {"All"}},
		contentType: "application/apply-patch+yaml",
		body: fmt.Appendf(nil, `{"apiVersion":%q,"kind":%q,"metadata":{"name":"waiting"}}`,
			version, kind.kind),
	}
	var last answer
	for deadline := time.Now().Add(startWithin); time.Now().Before(deadline); {
		last = c.do(ctx, apply)
		if last.code == http.StatusCreated || last.code == http.StatusOK {
			published := c.get(ctx, "/openapi/v3/apis/"+version)
			if published.code == http.StatusOK && bytes.Contains(published.body, []byte(`"`+kind.kind+`"`)) {
				return nil
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("%s %s is not served: %s", version, kind.kind, last.body)
}

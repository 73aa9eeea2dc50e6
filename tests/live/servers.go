package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const (
	// How long a server may take until it answers, and until it has stopped.
	startWithin = 3 * time.Minute
	stopWithin  = 20 * time.Second
)

// Cluster is an API server over an etcd, both on loopback, in a folder of their own.
type Cluster struct {
	dir, bin string
	client   *rest.Config
	servers  []*server
}

type server struct {
	name    string
	process *exec.Cmd
	done    chan struct{}
}

// StartCluster makes certificates and starts the servers; dir must be empty.
func StartCluster(bin, dir string) (*Cluster, error) {
	cluster := &Cluster{bin: bin, dir: dir}
	if err := cluster.start(); err != nil {
		return nil, errors.Join(err, cluster.Stop())
	}
	return cluster, nil
}

func (c *Cluster) start() error {
	if err := writeCertificates(c.dir); err != nil {
		return err
	}
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	file := func(name string) string { return filepath.Join(c.dir, name) }
	address := func(port int) string { return fmt.Sprintf("https://127.0.0.1:%d", port) }
	if err := c.run("etcd",
		"--data-dir="+file("etcd"),
		"--listen-client-urls="+address(ports[0]),
		"--advertise-client-urls="+address(ports[0]),
		"--listen-peer-urls=http://127.0.0.1:"+fmt.Sprint(ports[1]),
		"--cert-file="+file("server.crt"),
		"--key-file="+file("server.key"),
		"--client-cert-auth",
		"--trusted-ca-file="+file("ca.crt"),
		"--unsafe-no-fsync",
	); err != nil {
		return err
	}
	if err := os.WriteFile(file("audit.json"), []byte(auditPolicy), 0o600); err != nil {
		return err
	}
	if err := c.run("kube-apiserver",
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", ports[2]),
		"--endpoint-reconciler-type=none",
		"--etcd-servers="+address(ports[0]),
		"--etcd-cafile="+file("ca.crt"),
		"--etcd-certfile="+file("client.crt"),
		"--etcd-keyfile="+file("client.key"),
		"--cert-dir="+c.dir,
		"--tls-cert-file="+file("server.crt"),
		"--tls-private-key-file="+file("server.key"),
		"--client-ca-file="+file("ca.crt"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+file("server.key"),
		"--service-account-signing-key-file="+file("server.key"),
		"--service-cluster-ip-range=10.0.0.0/16",
		"--authorization-mode=RBAC",
		// Nobody makes the service accounts that it asks for.
		"--disable-admission-plugins=ServiceAccount",
		"--audit-policy-file="+file("audit.json"),
		"--audit-log-path="+file("audit.log"),
		"--audit-log-mode=blocking-strict",
	); err != nil {
		return err
	}
	if err := c.writeKubeconfig(address(ports[2])); err != nil {
		return err
	}
	return c.waitUntilReady("kube-apiserver", address(ports[2])+"/readyz")
}

// StartControllers starts the controllers that need no nodes.
func (c *Cluster) StartControllers() error {
	ports, err := freePorts(1)
	if err != nil {
		return err
	}
	kubeconfig := c.Kubeconfig()
	if err := c.run("kube-controller-manager",
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", ports[0]),
		"--cert-dir="+c.dir,
		"--kubeconfig="+kubeconfig,
		"--authentication-kubeconfig="+kubeconfig,
		"--authorization-kubeconfig="+kubeconfig,
		"--leader-elect=false",
		"--controllers="+strings.Join(controllers, ","),
		"--horizontal-pod-autoscaler-sync-period=2s",
	); err != nil {
		return err
	}
	return c.waitUntilReady("kube-controller-manager",
		fmt.Sprintf("https://127.0.0.1:%d/healthz", ports[0]))
}

// Kubeconfig is the file with which clients reach the API server.
func (c *Cluster) Kubeconfig() string { return filepath.Join(c.dir, "kubeconfig") }

func (c *Cluster) writeKubeconfig(address string) error {
	file := func(name string) string { return filepath.Join(c.dir, name) }
	config := clientcmdapi.NewConfig()
	config.Clusters["live"] = &clientcmdapi.Cluster{Server: address, CertificateAuthority: file("ca.crt")}
	config.AuthInfos["live"] = &clientcmdapi.AuthInfo{
		ClientCertificate: file("client.crt"), ClientKey: file("client.key"),
	}
	config.Contexts["live"] = &clientcmdapi.Context{Cluster: "live", AuthInfo: "live", Namespace: namespace}
	config.CurrentContext = "live"
	if err := clientcmd.WriteToFile(*config, c.Kubeconfig()); err != nil {
		return err
	}
	client, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig())
	c.client = client
	return err
}

// run starts a program, its output in a file. It dies with this process at the latest.
func (c *Cluster) run(name string, arguments ...string) error {
	log, err := os.Create(filepath.Join(c.dir, name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	process := exec.Command(filepath.Join(c.bin, name), arguments...)
	process.Stdout, process.Stderr = log, log
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := process.Start(); err != nil {
		return err
	}
	started := &server{name: name, process: process, done: make(chan struct{})}
	go func() {
		_ = process.Wait()
		close(started.done)
	}()
	c.servers = append(c.servers, started)
	return nil
}

// waitUntilReady asks an address until it says that all is well.
func (c *Cluster) waitUntilReady(name, address string) error {
	transport, err := rest.TransportFor(c.client)
	if err != nil {
		return err
	}
	if name != "kube-apiserver" {
		// It makes a certificate of its own.
		insecure := rest.CopyConfig(c.client)
		insecure.TLSClientConfig.Insecure = true
		insecure.TLSClientConfig.CAFile = ""
		if transport, err = rest.TransportFor(insecure); err != nil {
			return err
		}
	}
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	last := c.servers[len(c.servers)-1]
	for deadline := time.Now().Add(startWithin); time.Now().Before(deadline); {
		answer, err := client.Get(address)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-last.done:
			return fmt.Errorf("%s stopped:\n%s", name, c.endOfLog(name))
		case <-time.After(200 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s is not ready after %s:\n%s", name, startWithin, c.endOfLog(name))
}

func (c *Cluster) endOfLog(name string) string {
	text, _ := os.ReadFile(filepath.Join(c.dir, name+".log"))
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}

// Stop stops all servers, the last one first, and removes their folder.
func (c *Cluster) Stop() error {
	for index := len(c.servers) - 1; index >= 0; index-- {
		server := c.servers[index]
		_ = server.process.Process.Signal(syscall.SIGTERM)
		select {
		case <-server.done:
		case <-time.After(stopWithin):
			_ = server.process.Process.Kill()
			<-server.done
		}
	}
	c.servers = nil
	return os.RemoveAll(c.dir)
}

// freePorts finds ports of loopback that nobody listens at.
func freePorts(count int) ([]int, error) {
	var ports []int
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		// Held until all are found, so that they differ.
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// Prepare makes what all requests need: the namespace and the definitions.
func (c *Cluster) Prepare(ctx context.Context) error {
	client, err := NewClient(c.Kubeconfig())
	if err != nil {
		return err
	}
	create := func(path string, object any) error {
		body, err := json.Marshal(object)
		if err != nil {
			return err
		}
		answer := client.do(ctx, call{verb: http.MethodPost, path: path, body: body})
		if answer.code != http.StatusCreated {
			return fmt.Errorf("%s: %s", path, answer.body)
		}
		return nil
	}
	if err := create("/api/v1/namespaces", object{
		"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": namespace},
	}); err != nil {
		return err
	}
	for _, definition := range definitions() {
		path := "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
		if err := create(path, definition); err != nil {
			return err
		}
	}
	for _, kind := range customKinds() {
		for _, version := range kind.versions {
			if err := client.waitForType(ctx, version, kind); err != nil {
				return err
			}
		}
	}
	return nil
}

// Everything that controllers write, with what they sent and what was stored.
const auditPolicy = `{"apiVersion":"audit.k8s.io/v1","kind":"Policy","omitStages":["RequestReceived"],"rules":[
{"level":"RequestResponse","verbs":["create","update","patch"],"namespaces":["` + watched + `"],"resources":[
{"group":"","resources":["pods","pods/status","replicationcontrollers","replicationcontrollers/*","services","resourcequotas","resourcequotas/status"]},
{"group":"apps"},{"group":"autoscaling"},{"group":"batch"},{"group":"policy"},{"group":"discovery.k8s.io"}]},
{"level":"None"}]}`

// The controllers that work without nodes, on objects alone.
var controllers = []string{
	"deployment-controller", "replicaset-controller", "statefulset-controller", "daemonset-controller",
	"horizontal-pod-autoscaler-controller", "job-controller", "cronjob-controller",
	"replicationcontroller-controller", "endpointslice-controller", "disruption-controller",
	"garbage-collector-controller", "resourcequota-controller", "namespace-controller",
}

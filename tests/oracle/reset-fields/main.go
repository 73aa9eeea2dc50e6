// The reset-fields program prints what the strategies of the API server's storages answer when they
// are asked for the fields that they reset: for every endpoint of every resource that
// kube-apiserver serves, and for every version of it.
//
// The storages are made as kube-apiserver makes them, over a store that holds nothing and is never
// asked.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"reflect"
	"runtime/debug"
	"slices"
	"sort"
	"strings"

	"google.golang.org/grpc"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	extensionsapiserver "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition"
	apiresource "k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/apiserver/pkg/util/compatibility"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	restclient "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kube-aggregator/pkg/apis/apiregistration"
	aggregatorscheme "k8s.io/kube-aggregator/pkg/apiserver/scheme"
	apiservicerest "k8s.io/kube-aggregator/pkg/registry/apiservice/rest"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/controlplane"
	controlplaneapiserver "k8s.io/kubernetes/pkg/controlplane/apiserver"
	"k8s.io/kubernetes/pkg/controlplane/reconcilers"
	"k8s.io/kubernetes/pkg/kubeapiserver"
	kubeletclient "k8s.io/kubernetes/pkg/kubelet/client"
	"sigs.k8s.io/randfill"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// everything is a configuration in which every version of every resource is served.
type everything struct{}

func (everything) ResourceEnabled(schema.GroupVersionResource) bool           { return true }
func (everything) AnyResourceForGroupEnabled(string) bool                     { return true }
func (everything) ResourceExplicitlyEnabled(schema.GroupVersionResource) bool { return true }
func (everything) VersionExplicitlyEnabled(schema.GroupVersion) bool          { return true }

// emptyStore gives every storage a store that is not there.
type emptyStore struct{}

func (emptyStore) GetRESTOptions(resource schema.GroupResource, _ runtime.Object) (generic.RESTOptions, error) {
	return generic.RESTOptions{
		StorageConfig:  (&storagebackend.Config{}).ForResource(resource),
		ResourcePrefix: resource.String(),
		Decorator: func(*storagebackend.ConfigForResource, string, func(runtime.Object) (string, error),
			func() runtime.Object, func() runtime.Object, storage.AttrFunc, storage.IndexerFuncs, *cache.Indexers,
		) (storage.Interface, factory.DestroyFunc, error) {
			return nil, func() {}, nil
		},
	}, nil
}

// answer is what an endpoint resets in objects of one version: paths, or all but what patterns lead
// to, where `*` stands for any element.
type answer struct {
	Exclude [][]string `json:"exclude,omitempty"`
	Include [][]string `json:"include,omitempty"`
	// Stored are the paths that the strategy sets back in fact, where it is not as it says.
	Stored [][]string `json:"stored,omitempty"`
}

type endpoint struct {
	Group       string `json:"group"`
	Kind        string `json:"kind"`
	Resource    string `json:"resource"`
	Subresource string `json:"subresource"`
	// Filters says whether the answer reaches the field manager: whether the storage itself answers
	// when the installer asks, and not only the strategy inside it.
	Filters bool `json:"filters"`
	// Created says whether a new object keeps the status that it is sent with.
	Created  bool              `json:"created"`
	Versions map[string]answer `json:"versions"`
}

func (e *endpoint) key() string {
	return strings.Join([]string{e.Group, e.Kind, e.Subresource}, "\x00")
}

func main() {
	endpoints := map[string]*endpoint{}
	must(collect(endpoints))
	// What is behind a gate that is closed by default is added; nothing that was answered is changed.
	must(utilfeature.DefaultMutableFeatureGate.Set("AllAlpha=true,AllBeta=true"))
	must(collect(endpoints))
	list := []*endpoint{}
	for _, e := range endpoints {
		if len(e.Versions) > 0 {
			list = append(list, e)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].key() < list[j].key() })
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	out.SetIndent("", " ")
	must(out.Encode(map[string]any{"kubernetes": version(), "endpoints": list}))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// version is that of the module that the answers come from.
func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "k8s.io/kubernetes" {
			return strings.TrimPrefix(module.Version, "v")
		}
	}
	return "unknown"
}

// collect asks every storage, and adds what is not there yet.
func collect(endpoints map[string]*endpoint) error {
	found := map[string]*endpoint{}
	providers, err := storageProviders()
	if err != nil {
		return err
	}
	for _, provider := range providers {
		info, err := provider.NewRESTStorage(everything{}, emptyStore{})
		if err != nil {
			return fmt.Errorf("%s: %w", provider.GroupName(), err)
		}
		for _, storages := range info.VersionedResourcesStorageMap {
			if err := ask(found, provider.GroupName(), legacyscheme.Scheme, storages); err != nil {
				return err
			}
		}
	}
	aggregated := apiservicerest.NewRESTStorage(everything{}, emptyStore{}, true)
	for _, storages := range aggregated.VersionedResourcesStorageMap {
		if err := ask(found, apiregistration.GroupName, aggregatorscheme.Scheme, storages); err != nil {
			return err
		}
	}
	definitions, err := customresourcedefinition.NewREST(extensionsapiserver.Scheme, emptyStore{})
	if err != nil {
		return err
	}
	err = ask(found, apiextensions.GroupName, extensionsapiserver.Scheme, map[string]rest.Storage{
		"customresourcedefinitions":        definitions,
		"customresourcedefinitions/status": customresourcedefinition.NewStatusREST(extensionsapiserver.Scheme, definitions),
	})
	if err != nil {
		return err
	}
	for key, e := range found {
		if _, ok := endpoints[key]; !ok {
			endpoints[key] = e
		}
	}
	return nil
}

// storageProviders are those of kube-apiserver.
func storageProviders() ([]controlplaneapiserver.RESTStorageProvider, error) {
	// The allocator of node ports waits for a connection to a store of its own. It asks nothing.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go grpc.NewServer().Serve(listener)

	effective := compatibility.DefaultKubeEffectiveVersionForTest()
	store := storagebackend.NewDefaultConfig("registry", nil)
	store.Transport.ServerList = []string{listener.Addr().String()}
	codecs := legacyscheme.Codecs
	factoryConfig := kubeapiserver.NewStorageFactoryConfig()
	factoryConfig.DefaultResourceEncoding.SetEffectiveVersion(effective)
	loopback := &restclient.Config{ContentConfig: restclient.ContentConfig{NegotiatedSerializer: codecs}}
	client, err := kubernetes.NewForConfig(loopback)
	if err != nil {
		return nil, err
	}
	config := controlplane.Config{
		ControlPlane: controlplaneapiserver.Config{
			Generic: genericapiserver.NewConfig(codecs),
			Extra: controlplaneapiserver.Extra{
				ProxyTransport:     utilnet.SetTransportDefaults(&http.Transport{}),
				VersionedInformers: informers.NewSharedInformerFactory(client, 0),
				StorageFactory: serverstorage.NewDefaultStorageFactory(*store, runtime.ContentTypeProtobuf,
					codecs, factoryConfig.DefaultResourceEncoding, serverstorage.NewResourceConfig(), nil),
			},
		},
		Extra: controlplane.Extra{
			EndpointReconcilerType: reconcilers.NoneEndpointReconcilerType,
			KubeletClientConfig:    kubeletclient.KubeletClientConfig{Port: 10250},
			ServiceIPRange:         net.IPNet{IP: net.IPv4(10, 0, 0, 0), Mask: net.CIDRMask(24, 32)},
		},
	}
	config.ControlPlane.Generic.EffectiveVersion = effective
	config.ControlPlane.Generic.ExternalAddress = "localhost:443"
	config.ControlPlane.Generic.LoopbackClientConfig = loopback
	config.ControlPlane.Generic.Authorization.Authorizer = authorizerfactory.NewAlwaysAllowAuthorizer()
	return config.Complete().StorageProviders(client)
}

// ask adds what the storages of one version of a group answer.
func ask(found map[string]*endpoint, group string, scheme *runtime.Scheme, storages map[string]rest.Storage) error {
	for path, storage := range storages {
		resource, subresource, _ := strings.Cut(path, "/")
		parent, ok := storages[resource]
		if !ok {
			return fmt.Errorf("%s/%s has no parent", group, path)
		}
		kinds, _, err := scheme.ObjectKinds(parent.New())
		if err != nil {
			return fmt.Errorf("%s/%s: %w", group, path, err)
		}
		e := &endpoint{Group: group, Kind: kinds[0].Kind, Resource: resource, Subresource: subresource}
		answers, err := resets(storage)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", group, path, err)
		}
		e.Filters = len(answers) > 0
		if !e.Filters && takes(storage, kinds, scheme) {
			if answers, err = resets(updateStrategy(storage)); err != nil {
				return fmt.Errorf("%s/%s: %w", group, path, err)
			}
		}
		e.Versions = answers
		for version, a := range answers {
			if a.Exclude != nil {
				answers[version] = answer{Exclude: a.Exclude, Stored: stored(storage, a.Exclude)}
			}
		}
		if len(answers) > 0 && subresource == "" {
			if e.Created, err = keepsStatus(storage); err != nil {
				return fmt.Errorf("%s/%s: %w", group, path, err)
			}
		}
		if before, ok := found[e.key()]; ok && !reflect.DeepEqual(before, e) {
			return fmt.Errorf("%s/%s answers differently in another version", group, path)
		}
		found[e.key()] = e
	}
	return nil
}

// takes says whether whole objects of the resource are written through a storage.
func takes(storage rest.Storage, resource []schema.GroupVersionKind, scheme *runtime.Scheme) bool {
	if _, ok := storage.(rest.Updater); !ok {
		return false
	}
	kinds, _, err := scheme.ObjectKinds(storage.New())
	return err == nil && slices.Equal(kinds, resource)
}

// resets asks a storage or strategy as the installer does.
func resets(asked any) (map[string]answer, error) {
	answers := map[string]answer{}
	if strategy, ok := asked.(rest.ResetFieldsStrategy); ok {
		for version, set := range strategy.GetResetFields() {
			paths, err := pathsOf(set)
			if err != nil {
				return nil, err
			}
			answers[string(version)] = answer{Exclude: paths}
		}
	}
	if strategy, ok := asked.(rest.ResetFieldsFilterStrategy); ok {
		for version, filter := range strategy.GetResetFieldsFilter() {
			patterns, err := patternsOf(filter)
			if err != nil {
				return nil, err
			}
			answers[string(version)] = answer{Include: patterns}
		}
	}
	return answers, nil
}

// keepsStatus creates an object that has a status, as far as the strategy has a part in that, and
// says whether any of it is left.
func keepsStatus(storage rest.Storage) (bool, error) {
	store := storeOf(storage)
	if store == nil {
		return false, fmt.Errorf("no store in %T", storage)
	}
	object := filled(storage, 1)
	before := object.DeepCopyObject()
	store.CreateStrategy.PrepareForCreate(context.Background(), object)
	sent, kept := part(before, "status"), part(object, "status")
	for i := 0; kept.IsValid() && i < kept.NumField(); i++ {
		if !kept.Field(i).IsZero() && reflect.DeepEqual(kept.Field(i).Interface(), sent.Field(i).Interface()) {
			return true, nil
		}
	}
	return false, nil
}

// stored updates an object of which everything changes, as far as the strategy has a part in that,
// and tells the paths that are set back, if these are not those that are declared: a path in the spec
// or status that changes all the same, or a spec or status that is not declared and does not change.
func stored(storage rest.Storage, declared [][]string) [][]string {
	store := storeOf(storage)
	old, object := filled(storage, 1), filled(storage, 2)
	before, after := object.DeepCopyObject(), object
	store.UpdateStrategy.PrepareForUpdate(context.Background(), after, old.DeepCopyObject())
	same := func(a, b runtime.Object, path []string) bool {
		x, y := part(a, path...), part(b, path...)
		return x.IsValid() == y.IsValid() && (!x.IsValid() || reflect.DeepEqual(x.Interface(), y.Interface()))
	}
	paths := [][]string{}
	for _, path := range declared {
		if path[0] == "metadata" || same(before, old, path) || !same(after, before, path) {
			paths = append(paths, path)
		}
	}
	for _, name := range []string{"spec", "status"} {
		is := func(path []string) bool { return path[0] == name }
		whole := []string{name}
		if !slices.ContainsFunc(declared, is) && same(after, old, whole) && !same(before, old, whole) {
			paths = append(paths, whole)
		}
	}
	if reflect.DeepEqual(paths, declared) {
		return nil
	}
	return paths
}

// filled is an object with something in every field of its spec and status.
func filled(storage rest.Storage, seed int64) runtime.Object {
	object := storage.New()
	filler := randfill.NewWithSeed(seed).NilChance(0).NumElements(1, 1).MaxDepth(12).Funcs(
		func(quantity *apiresource.Quantity, c randfill.Continue) { quantity.Set(c.Int63()) },
		func(*runtime.Object, randfill.Continue) {},
		func(*apiextensions.JSON, randfill.Continue) {},
	)
	for _, name := range []string{"Spec", "Status"} {
		if field := reflect.ValueOf(object).Elem().FieldByName(name); field.IsValid() {
			filler.Fill(field.Addr().Interface())
		}
	}
	return object
}

// part is what a path leads to in an internal object, whose fields are called as in JSON but for case.
func part(object runtime.Object, path ...string) reflect.Value {
	value := reflect.ValueOf(object)
	for _, name := range path {
		value = reflect.Indirect(value)
		if !value.IsValid() {
			return value
		}
		value = value.FieldByNameFunc(func(field string) bool { return strings.EqualFold(field, name) })
	}
	return reflect.Indirect(value)
}

// updateStrategy is that of the store inside a storage.
func updateStrategy(storage rest.Storage) rest.RESTUpdateStrategy {
	if store := storeOf(storage); store != nil {
		return store.UpdateStrategy
	}
	return nil
}

func storeOf(storage rest.Storage) *genericregistry.Store {
	value := reflect.ValueOf(storage)
	if value.Kind() != reflect.Pointer || value.Elem().Kind() != reflect.Struct {
		return nil
	}
	value = value.Elem()
	for i := range value.NumField() {
		field := value.Field(i)
		if field.Type() == reflect.TypeFor[*genericregistry.Store]() && !field.IsNil() {
			return (*genericregistry.Store)(field.UnsafePointer())
		}
	}
	return nil
}

func pathsOf(set *fieldpath.Set) ([][]string, error) {
	paths, err := [][]string{}, error(nil)
	set.Iterate(func(path fieldpath.Path) {
		names := []string{}
		for _, element := range path {
			if element.FieldName == nil || *element.FieldName == anyElement {
				err = fmt.Errorf("a path with an element that is no field: %s", path)
				return
			}
			names = append(names, *element.FieldName)
		}
		paths = append(paths, names)
	})
	return paths, err
}

// anyElement stands for every element in a pattern.
const anyElement = "*"

// patternsOf reads the patterns out of a filter, and makes sure that they make the same filter.
func patternsOf(filter fieldpath.Filter) ([][]string, error) {
	value := reflect.ValueOf(filter)
	matcher := value.FieldByName("matcher")
	if !matcher.IsValid() {
		return nil, fmt.Errorf("a filter of another kind: %T", filter)
	}
	patterns := [][]string{}
	var walk func(matcher reflect.Value, prefix []string) error
	walk = func(matcher reflect.Value, prefix []string) error {
		matcher = matcher.Elem()
		if matcher.FieldByName("wildcard").Bool() {
			patterns = append(patterns, slices.Clone(prefix))
			return nil
		}
		members := matcher.FieldByName("members")
		for i := range members.Len() {
			member := members.Index(i).Elem()
			step := anyElement
			if path := member.FieldByName("Path"); !path.FieldByName("Wildcard").Bool() {
				name := path.FieldByName("FieldName")
				if name.IsNil() {
					return fmt.Errorf("a pattern with an element that is no field")
				}
				step = name.Elem().String()
			}
			if err := walk(member.FieldByName("Child"), append(slices.Clone(prefix), step)); err != nil {
				return err
			}
		}
		return nil
	}
	if err := walk(matcher, nil); err != nil {
		return nil, err
	}
	matchers := []*fieldpath.SetMatcher{}
	for _, pattern := range patterns {
		parts := []any{}
		for _, step := range pattern {
			if step == anyElement {
				parts = append(parts, fieldpath.MatchAnyPathElement())
			} else {
				parts = append(parts, step)
			}
		}
		matchers = append(matchers, fieldpath.MakePrefixMatcherOrDie(parts...))
	}
	if !reflect.DeepEqual(fieldpath.NewIncludeMatcherFilter(matchers...), filter) {
		return nil, fmt.Errorf("a filter that no patterns make")
	}
	return patterns, nil
}

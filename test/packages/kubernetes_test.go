package packages

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// object is any object of Kubernetes.
type object interface{ metav1.Object }

// kinds are the types of the API that the manifests use.
var kinds = map[string]func() object{
	"v1 ConfigMap":                       func() object { return new(corev1.ConfigMap) },
	"v1 Namespace":                       func() object { return new(corev1.Namespace) },
	"v1 Service":                         func() object { return new(corev1.Service) },
	"v1 ServiceAccount":                  func() object { return new(corev1.ServiceAccount) },
	"apps/v1 Deployment":                 func() object { return new(appsv1.Deployment) },
	"apps/v1 StatefulSet":                func() object { return new(appsv1.StatefulSet) },
	"networking.k8s.io/v1 Ingress":       func() object { return new(networkingv1.Ingress) },
	"networking.k8s.io/v1 NetworkPolicy": func() object { return new(networkingv1.NetworkPolicy) },
	"policy/v1 PodDisruptionBudget":      func() object { return new(policyv1.PodDisruptionBudget) },
}

// cluster is what `kubectl apply -k` would send, by kind and name.
type cluster map[string]object

// render runs kustomize, and reads each object strictly: a field that the API
// does not have, or that has another type, is an error.
func render(t *testing.T) cluster {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(root, "docs/deploy/kubernetes"))
	if err != nil {
		t.Fatal(err)
	}
	found := make(cluster)
	for _, resource := range resources.Resources() {
		id := resource.GetApiVersion() + " " + resource.GetKind()
		make, ok := kinds[id]
		if !ok {
			t.Fatalf("the test does not know the kind %s", id)
		}
		raw, err := resource.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		o := make()
		if strict, err := json.UnmarshalStrict(raw, o); err != nil || len(strict) > 0 {
			t.Errorf("%s %s: %v %v", id, resource.GetName(), err, strict)
		}
		found[resource.GetKind()+" "+resource.GetName()] = o
	}
	return found
}

// of finds the object of a kind with this name.
func of[O object](t *testing.T, c cluster, name string) O {
	t.Helper()
	for _, o := range c {
		if found, ok := o.(O); ok && (found.GetName() == name || strings.HasPrefix(found.GetName(), name+"-") && name == "gateway") {
			return found
		}
	}
	var none O
	t.Fatalf("there is no %T %s", none, name)
	return none
}

// Selectors find pods, ports and volumes are there by the names that are used,
// all is in one namespace, and a pod is never privileged.
func TestKubernetesIsWhole(t *testing.T) {
	t.Parallel()
	c := render(t)
	if len(c) != 13 {
		t.Errorf("%d objects, want 13", len(c))
	}
	pods := map[string]corev1.PodTemplateSpec{
		"gateway": of[*appsv1.Deployment](t, c, "gateway").Spec.Template,
		"redis":   of[*appsv1.StatefulSet](t, c, "redis").Spec.Template,
	}
	for name, o := range c {
		if o.GetNamespace() != "wechat" && name != "Namespace wechat" {
			t.Errorf("%s is in the namespace %q", name, o.GetNamespace())
		}
	}
	for name, pod := range pods {
		checkPod(t, name, pod.Spec, of[*appsv1.StatefulSet](t, c, "redis"))
		service := of[*corev1.Service](t, c, name)
		if !selects(service.Spec.Selector, pod.Labels) || !hasPort(pod.Spec, service.Spec.Ports[0].TargetPort.String()) {
			t.Errorf("the service %s does not reach its pods", name)
		}
		if policy := of[*networkingv1.NetworkPolicy](t, c, name); !selects(policy.Spec.PodSelector.MatchLabels, pod.Labels) || !hasPort(pod.Spec, policy.Spec.Ingress[0].Ports[0].Port.String()) {
			t.Errorf("the network policy %s does not apply to its pods", name)
		}
	}
	deployment, budget := of[*appsv1.Deployment](t, c, "gateway"), of[*policyv1.PodDisruptionBudget](t, c, "gateway")
	if *deployment.Spec.Replicas != 2 || budget.Spec.MinAvailable.IntValue() != 1 || !selects(budget.Spec.Selector.MatchLabels, deployment.Spec.Template.Labels) {
		t.Error("the pod disruption budget does not keep one of two gateways")
	}
	if image := deployment.Spec.Template.Spec.Containers[0].Image; image != "registry.example.com/wechat-gateway:v0.1.0" {
		t.Errorf("kustomize leaves the image %q", image)
	}
	backend := of[*networkingv1.Ingress](t, c, "gateway").Spec.Rules[0].HTTP.Paths[0].Backend.Service
	if service := of[*corev1.Service](t, c, backend.Name); backend.Port.Name != service.Spec.Ports[0].Name {
		t.Errorf("the ingress leads to the port %q", backend.Port.Name)
	}
}

func selects(selector, labels map[string]string) bool {
	for name, value := range selector {
		if labels[name] != value {
			return false
		}
	}
	return len(selector) > 0
}

func hasPort(pod corev1.PodSpec, name string) bool {
	return slices.ContainsFunc(pod.Containers[0].Ports, func(p corev1.ContainerPort) bool {
		return p.Name == name || strconv.Itoa(int(p.ContainerPort)) == name
	})
}

// checkPod holds a pod to the profile "restricted", which the namespace
// enforces, and a little more.
func checkPod(t *testing.T, name string, pod corev1.PodSpec, claims *appsv1.StatefulSet) {
	t.Helper()
	s, container := pod.SecurityContext, pod.Containers[0]
	if !*s.RunAsNonRoot || *s.RunAsUser == 0 || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault || *pod.AutomountServiceAccountToken {
		t.Errorf("%s: the pod is privileged", name)
	}
	if c := container.SecurityContext; *c.AllowPrivilegeEscalation || !*c.ReadOnlyRootFilesystem || !slices.Equal(c.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(c.Capabilities.Add) > 0 {
		t.Errorf("%s: the container is privileged", name)
	}
	if _, tag, ok := strings.Cut(container.Image, ":"); !ok || tag == "latest" {
		t.Errorf("%s: the image %q has no version", name, container.Image)
	}
	var volumes []string
	for _, volume := range pod.Volumes {
		volumes = append(volumes, volume.Name)
	}
	if name == "redis" {
		volumes = append(volumes, claims.Spec.VolumeClaimTemplates[0].Name)
	}
	var mounted []string
	for _, mount := range container.VolumeMounts {
		mounted = append(mounted, mount.Name)
	}
	slices.Sort(volumes)
	slices.Sort(mounted)
	if !slices.Equal(volumes, mounted) {
		t.Errorf("%s: volumes %q, mounted %q", name, volumes, mounted)
	}
	for kind, probe := range map[string]*corev1.Probe{"startup": container.StartupProbe, "liveness": container.LivenessProbe, "readiness": container.ReadinessProbe} {
		switch {
		case probe == nil:
			t.Errorf("%s has no %s probe", name, kind)
		case probe.HTTPGet != nil && !hasPort(pod, probe.HTTPGet.Port.String()):
			t.Errorf("%s: the %s probe asks the port %s", name, kind, probe.HTTPGet.Port.String())
		case probe.HTTPGet != nil && kind != "readiness" && strings.HasSuffix(probe.HTTPGet.Path, "ready"):
			t.Errorf("%s: the %s probe would restart all gateways when Redis is down", name, kind)
		}
	}
}

var secretFile = regexp.MustCompile(`\{file\./run/secrets/wechat/([a-z-]+)\}`)

// The manifests, run without Kubernetes: the gateway of the image with the
// Caddyfile and the secrets where the manifests mount them, and Redis by its
// command. The probes say what docs/health.md promises, and a visitor signs in.
func TestKubernetesRuns(t *testing.T) {
	image, n, c := newContainer(t), newNetwork(t), render(t)
	pod := of[*appsv1.Deployment](t, c, "gateway").Spec.Template.Spec
	caddyfile := of[*corev1.ConfigMap](t, c, "gateway").Data["Caddyfile"]
	image.config.User = strconv.Itoa(int(*pod.SecurityContext.RunAsUser)) + ":" + strconv.Itoa(int(*pod.SecurityContext.FSGroup))
	secrets := map[string]string{"app-id": appID, "app-secret": appSecret, "redis-password": "0123456789abcdef", "session-key": strings.Repeat("5e", 32)}
	manual := read(t, root, "docs/deploy/kubernetes.md")
	named := secretFile.FindAllStringSubmatch(caddyfile, -1)
	if len(named) != len(secrets) {
		t.Errorf("the Caddyfile names the secrets %q", named)
	}
	for _, match := range named {
		image.place("run/secrets/wechat/"+match[1], secrets[match[1]])
		if !strings.Contains(manual, "--from-file="+match[1]+" ") && !strings.Contains(manual, "--from-file="+match[1]+"\n") {
			t.Errorf("docs/deploy/kubernetes.md does not say how to make the secret %s", match[1])
		}
	}
	image.place("etc/caddy/Caddyfile", strings.Replace(simulated(t, caddyfile), "reverse_proxy shop:8080", "reverse_proxy shop:8090", 1)) // one address has both here
	redis := of[*appsv1.StatefulSet](t, c, "redis").Spec.Template.Spec
	runPodRedis(t, n, redis, filepath.Join(image.folder, "run/secrets/wechat"))
	n.runShop("8090")
	n.runSimulator("shop.example.com")
	gateway := n.start(image.main())
	n.ready(gateway, "http://127.0.0.1:8080", "shop.example.com")
	container := pod.Containers[0]
	for kind, probe := range map[string]*corev1.Probe{"startup": container.StartupProbe, "liveness": container.LivenessProbe, "readiness": container.ReadinessProbe} {
		header := probe.HTTPGet.HTTPHeaders[0]
		status, body, err := n.get(n.client, "http://127.0.0.1:"+strconv.Itoa(int(container.Ports[0].ContainerPort))+probe.HTTPGet.Path, header.Name, header.Value)
		if err != nil || status != http.StatusOK || !strings.Contains(body, `"code":200`) {
			t.Errorf("the %s probe: %d %q, %v", kind, status, body, err)
		}
	}
	n.signsInBehind("8080", "https://shop.example.com")
	if grace, needs := time.Duration(*pod.TerminationGracePeriodSeconds)*time.Second, stopping(t, caddyfile); grace <= needs {
		t.Errorf("terminationGracePeriodSeconds is %s, and the Caddyfile takes %s", grace, needs)
	}
	for host, where := range map[string]string{
		of[*networkingv1.Ingress](t, c, "gateway").Spec.Rules[0].Host:   "ingress",
		of[*networkingv1.Ingress](t, c, "gateway").Spec.TLS[0].Hosts[0]: "ingress's certificate",
		container.ReadinessProbe.HTTPGet.HTTPHeaders[0].Value:           "probe",
	} {
		if !strings.Contains(caddyfile, "\nhttp://"+host+":8080 {") || !strings.Contains(caddyfile, "origin https://"+host+"\n") {
			t.Errorf("the %s is for %s, the Caddyfile is not", where, host)
		}
	}
}

// runPodRedis runs Redis by the command of its pod, and its probes.
func runPodRedis(t *testing.T, n *network, pod corev1.PodSpec, secrets string) {
	t.Helper()
	installed(t, "redis-server", "redis-server")
	s := composeService{t: t, folder: t.TempDir(), secrets: secrets}
	s.service.User = strconv.Itoa(int(*pod.SecurityContext.RunAsUser)) + ":65532" // the secret's file belongs to the gateway's group here
	s.open()
	command := func(args []string) *exec.Cmd {
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "/run/secrets/redis/", "/run/secrets/")
		}
		return s.command(args)
	}
	container := pod.Containers[0]
	p := n.start(command(slices.Clone(container.Command)))
	for kind, probe := range map[string]*corev1.Probe{"startup": container.StartupProbe, "liveness": container.LivenessProbe, "readiness": container.ReadinessProbe} {
		p.until("Redis' "+kind+" probe", func() bool {
			_, err := n.run(command(slices.Clone(probe.Exec.Command)))
			return err == nil
		})
	}
	t.Cleanup(func() {
		if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		<-p.ended
	})
}

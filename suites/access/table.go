package access

import (
	"slices"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	networkingv1 "k8s.io/api/networking/v1"
	nodev1 "k8s.io/api/node/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/katacert/katacert/fixtures/pods"
)

// The controller that makes the pods of Deployments, and the groups of its account
// (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#service-account-tokens).
const (
	ControllerNamespace = "kube-system"
	ControllerAccount   = "replicaset-controller"
)

// ControllerGroups are the groups that the controller's account is in.
func ControllerGroups() []string {
	return []string{"system:serviceaccounts", "system:serviceaccounts:" + ControllerNamespace, "system:authenticated"}
}

// Table is every permission that some run needs, those of every run first.
func Table(extras Extras) []Permission { return distinct(all(extras)) }

// all is the table with what several needs have in common repeated for each.
func all(extras Extras) []Permission {
	return slices.Concat(everyRun(), accounts(), volumes(), training(), gpus(), rights(), kubelet(), controllers(), pullSecret(extras.Secret), script(extras.Script), passedOn())
}

func everyRun() []Permission {
	return []Permission{
		{Verb: "get", Path: "/version", Need: EveryRun, Why: "to learn whether the API server answers, and its version for the report"},
		{Verb: "create", Group: authorizationv1.GroupName, Resource: "selfsubjectrulesreviews", Need: EveryRun, Why: "to find out what is missing of this table before anything is made"},
		{Verb: "create", Group: authorizationv1.GroupName, Resource: "selfsubjectaccessreviews", Need: EveryRun, Why: "to ask for each permission by itself, where an authorizer cannot list its rules"},
		{Verb: "create", Group: authenticationv1.GroupName, Resource: "selfsubjectreviews", Need: EveryRun, Optional: true, Why: "to name the user to whom something is missing"},
		{Verb: "list", Resource: "nodes", Need: EveryRun, Why: "to plan what is certified, and build images for the nodes' architectures"},
		{Verb: "get", Resource: "nodes", Need: EveryRun, Why: "to compare the handlers that a node lists with the one that ran the pod"},
		{Verb: "list", Group: nodev1.GroupName, Resource: "runtimeclasses", Need: EveryRun, Why: "to plan what is certified"},
		{Verb: "create", Resource: "namespaces", Need: EveryRun, Why: "to make the run's three namespaces: two tenants', and one for privileged pods"},
		{Verb: "list", Resource: "namespaces", Need: EveryRun, Why: "to find what runs made, by label, and remove it"},
		{Verb: "get", Resource: "namespaces", Need: EveryRun, Why: "to see whether a run's namespace is gone, and what holds it"},
		{Verb: "watch", Resource: "namespaces", Need: EveryRun, Why: "to wait until the run's namespaces are gone"},
		{Verb: "delete", Resource: "namespaces", Need: EveryRun, Why: "to remove everything that the run made"},
		{Verb: "watch", Resource: "serviceaccounts", Need: EveryRun, Why: "to wait for the default account of each namespace, without which its pods are refused"},
		{Verb: "create", Resource: "pods", Need: EveryRun, Why: "to start the witness, the plain pods and the tenants' pods"},
		{Verb: "list", Resource: "pods", Need: EveryRun, Why: "to follow the run's pods, by label, in one watch for all namespaces, and to see how much room a node has"},
		{Verb: "watch", Resource: "pods", Need: EveryRun, Why: "to follow the run's pods without asking again and again"},
		{Verb: "delete", Resource: "pods", Need: EveryRun, Why: "to leave the node as it was before the next target"},
		{Verb: "create", Resource: "pods/exec", Need: EveryRun, Why: "to let the probes look: one exec for each pod and round (SPDY, and every exec since Kubernetes 1.35)"},
		{Verb: "get", Resource: "pods/exec", Need: EveryRun, Why: "the same by websocket, which Kubernetes takes for a read"},
		{Verb: "list", Resource: "events", Need: EveryRun, Why: "to say at once why a pod does not start"},
		{Verb: "watch", Resource: "events", Need: EveryRun, Why: "to say at once why a pod does not start"},
	}
}

func accounts() []Permission {
	return []Permission{
		{Verb: "create", Resource: "serviceaccounts", Need: Accounts, Why: "to make an account that stands for each tenant's user"},
		{Verb: "create", Resource: "serviceaccounts/token", Need: Accounts, Why: "to ask the API server as a tenant, with a token of ten minutes that only memory holds"},
		{Verb: "create", Resource: "secrets", Need: Accounts, Why: "to give each tenant a secret that the other must not find"},
		{Verb: "create", Group: rbacv1.GroupName, Resource: "roles", Need: Accounts, Why: "to give each tenant's account what tenants have in their namespace"},
		{Verb: "create", Group: rbacv1.GroupName, Resource: "rolebindings", Need: Accounts, Why: "to bind each tenant's account to its role"},
		{Verb: "create", Group: networkingv1.GroupName, Resource: "networkpolicies", Need: Accounts, Why: "to close each tenant's namespace, and see whether the network plugin keeps it closed"},
	}
}

func volumes() []Permission {
	return []Permission{
		{Verb: "list", Group: storagev1.GroupName, Resource: "storageclasses", Need: Volumes, Why: "to learn whether claims without a StorageClass are served"},
		{Verb: "create", Resource: "persistentvolumeclaims", Need: Volumes, Why: "to claim the volumes of the tenants' datasets and of the training job"},
	}
}

func training() []Permission {
	return []Permission{
		{Verb: "get", Resource: "pods/log", Need: Training, Why: "to read what the training job prints"},
	}
}

func gpus() []Permission {
	return []Permission{
		{Verb: "get", Resource: "pods/log", Need: GPUs, Why: "to read when the first tenant's pod has filled its GPUs, and in how many places"},
	}
}

func rights() []Permission {
	return []Permission{
		{Verb: "get", Resource: "serviceaccounts", Need: Rights, Why: "to see whether pods are given the token of their namespace's default account"},
		{Verb: "create", Group: authorizationv1.GroupName, Resource: "subjectaccessreviews", Need: Rights, Why: "to see that the API server grants system:masters what it refuses to that account"},
	}
}

func kubelet() []Permission {
	return []Permission{
		{Verb: "create", Resource: "pods/portforward", Need: Kubelet, Why: "to ask the node's kubelet as a stranger, by the witness's network"},
		{Verb: "get", Resource: "pods/portforward", Need: Kubelet, Why: "the same by websocket, which Kubernetes takes for a read"},
		{Verb: "get", Resource: "nodes/proxy", Need: Kubelet, Why: "to see that the kubelet tells the API server what it refuses to a stranger"},
	}
}

func controllers() []Permission {
	impersonate := []Permission{{Verb: "impersonate", Resource: "serviceaccounts", Namespace: ControllerNamespace, Name: ControllerAccount}}
	for _, group := range ControllerGroups() {
		impersonate = append(impersonate, Permission{Verb: "impersonate", Resource: "groups", Name: group})
	}
	for i := range impersonate {
		impersonate[i].Need, impersonate[i].Optional = Controllers, true
		impersonate[i].Why = "to try, by dry run, pods that a Deployment of the tenant would make"
	}
	return impersonate
}

// Secret names a pull secret.
type Secret struct{ Namespace, Name string }

func pullSecret(s Secret) []Permission {
	if s == (Secret{}) {
		return nil
	}
	return []Permission{
		{Verb: "get", Resource: "secrets", Namespace: s.Namespace, Name: s.Name, Need: PullSecret, Why: "to read the pull secret"},
		{Verb: "create", Resource: "secrets", Need: PullSecret, Why: "to copy the pull secret into the run's namespaces"},
	}
}

func script(wanted bool) []Permission {
	if !wanted {
		return nil
	}
	return []Permission{
		{Verb: "create", Resource: "configmaps", Need: Script, Why: "to give the image the script that trains"},
	}
}

// passedOn are the permissions of the roles that the run gives to tenants.
func passedOn() []Permission {
	var all []Permission
	for _, rule := range slices.Concat(pods.TenantRules(), pods.TrialRules()) {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					all = append(all, Permission{Verb: verb, Group: group, Resource: resource, Need: Accounts, PassedOn: true,
						Why: "to be passed on to the tenants' accounts"})
				}
			}
		}
	}
	return all
}

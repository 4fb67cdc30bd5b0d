package access

import (
	"fmt"
	"io"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

// Manifest writes the objects that grant the permissions to a user, as YAML for
// `kubectl apply`, each rule below what it is for.
func Manifest(w io.Writer, permissions []Permission, user string) error {
	return manifest(w, grants(roleOfUser(user), permissions), User(user), nil)
}

// ManifestOfAccount writes the same for a service account, which it makes.
func ManifestOfAccount(w io.Writer, permissions []Permission, account Account) error {
	return manifest(w, grants(account.role(), permissions), account.Subject(), account.objects())
}

const manifestHead = `# What katacert's own user needs in a cluster that it certifies, made by
# "katacert rbac". The run's namespaces get their names when it begins, so that
# permissions inside of them are granted in all namespaces. Whoever has them can
# make privileged pods, and so become root of the nodes: keep the credentials as
# you keep an administrator's, and delete these objects after the certification.
`

func manifest(w io.Writer, roles []grant, subject rbacv1.Subject, objects []any) error {
	var out strings.Builder
	out.WriteString(manifestHead)
	for _, object := range objects {
		if err := document(&out, object); err != nil {
			return err
		}
	}
	for _, g := range roles {
		if err := g.role(&out); err != nil {
			return err
		}
		if err := document(&out, g.binding(subject)); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("write the RBAC objects: %w", err)
	}
	return nil
}

// role writes the role rule by rule: no encoder keeps comments.
func (g grant) role(out *strings.Builder) error {
	meta, err := encode(map[string]any{"apiVersion": rbacv1.SchemeGroupVersion.String(), "kind": g.kind(), "metadata": g.meta()})
	if err != nil {
		return err
	}
	out.WriteString("---\n" + meta + "rules:\n")
	for _, rule := range g.rules {
		for _, purpose := range rule.why {
			out.WriteString("# " + strings.Join(purpose.verbs, ", ") + ": " + purpose.why + "\n")
		}
		text, err := encode([]rbacv1.PolicyRule{rule.PolicyRule})
		if err != nil {
			return err
		}
		out.WriteString(text)
	}
	return nil
}

func document(out *strings.Builder, object any) error {
	text, err := encode(object)
	if err != nil {
		return err
	}
	out.WriteString("---\n" + text)
	return nil
}

// encode writes an object without the fields that only a server sets.
func encode(object any) (string, error) {
	text, err := yaml.Marshal(object)
	if err != nil {
		return "", fmt.Errorf("write a %T as YAML: %w", object, err)
	}
	var kept strings.Builder
	for line := range strings.Lines(string(text)) {
		if strings.TrimSpace(line) != "creationTimestamp: null" && line != "spec: {}\n" && line != "status: {}\n" {
			kept.WriteString(line)
		}
	}
	return kept.String(), nil
}

package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/katacert/katacert/suites/catalogue"
)

// Markdown is the table for the documentation: the permissions by need, each with
// what it is for, and the controls that take the need.
func Markdown(all []catalogue.Control) string {
	var out strings.Builder
	for _, need := range []Need{EveryRun, Accounts, Volumes, Training, GPUs, Rights, Kubelet, Controllers, PullSecret, Script} {
		fmt.Fprintf(&out, "**%s** %s\n\n| permission | scope | what for |\n| --- | --- | --- |\n", needTitle(need), takers(need, all))
		for _, row := range rows(need) {
			fmt.Fprintf(&out, "| %s | %s | %s |\n", row.what, row.scope, row.why)
		}
		out.WriteString("\n")
	}
	return out.String()
}

func needTitle(need Need) string { return strings.ToUpper(string(need[:1])) + string(need[1:]) + "." }

// takers says which runs take a need.
func takers(need Need, all []catalogue.Control) string {
	switch need {
	case EveryRun:
		return "From profile quick on."
	case PullSecret:
		return "With `--image-pull-secret` only."
	case Script:
		return "With `--training-image` only."
	}
	ids := Controls(need, all)
	text := fmt.Sprintf("From profile %s on, for %s", smallest(ids, all), "`"+strings.Join(ids, "`, `")+"`")
	if need == Controllers {
		text += "; without it they say what was not asked"
	}
	return text + "."
}

// smallest is the smallest profile that holds one of the controls.
func smallest(ids []string, all []catalogue.Control) catalogue.Profile {
	for _, profile := range catalogue.Profiles() {
		for _, id := range ids {
			if c, err := catalogue.Find(all, id); err == nil && c.In(profile) {
				return profile
			}
		}
	}
	return catalogue.Destructive
}

// row is a line of the table: permissions for one resource and one purpose.
type row struct{ what, scope, why string }

// rows are those of a need, also what another one takes already, but for what is only
// passed on.
func rows(need Need) []row {
	var list []row
	extras := Extras{Secret: Secret{Namespace: "NAMESPACE", Name: "NAME"}, Script: true}
	table := Table(extras)
	for _, p := range distinct(slices.DeleteFunc(all(extras), func(p Permission) bool { return p.Need != need })) {
		if p.PassedOn && !slices.Contains(table, p) {
			continue
		}
		next := row{"`" + p.What() + "`", scope(p), p.Why}
		if last := len(list) - 1; last >= 0 && list[last].why == next.why && list[last].scope == next.scope {
			list[last].what += ", " + next.what
			continue
		}
		list = append(list, next)
	}
	return list
}

// ofCluster are the resources of the table that belong to no namespace.
var ofCluster = []string{"nodes", "nodes/proxy", "namespaces", "runtimeclasses", "storageclasses", "groups",
	"selfsubjectrulesreviews", "selfsubjectaccessreviews", "selfsubjectreviews", "subjectaccessreviews"}

func scope(p Permission) string {
	switch {
	case p.Namespace != "":
		return "one namespace"
	case p.Path != "":
		return "path"
	case slices.Contains(ofCluster, p.Resource):
		return "cluster"
	default:
		return "all namespaces"
	}
}

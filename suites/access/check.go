package access

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	// nowhere is a namespace that need not exist: whoever has a permission there has
	// it in the namespaces that a run will make.
	nowhere = "katacert-run"
	// reviewsAtOnce bounds the reviews under way.
	reviewsAtOnce = 16
)

// Missing is a permission that the user has not.
type Missing struct {
	Permission
	// Reason is the authorizer's own, often empty.
	Reason string
}

// Check asks which of the permissions the client's user lacks: by one review of
// his rules, and for what that does not show, by a review of each. It changes
// nothing. The error is that of the API server, and says that nothing is known.
func Check(ctx context.Context, client kubernetes.Interface, needs []Permission) ([]Missing, error) {
	rules := listRules(ctx, client)
	unknown := slices.DeleteFunc(slices.Clone(needs), func(p Permission) bool { return rules.allow(p) })
	missing := make([]*Missing, len(unknown))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(reviewsAtOnce)
	for i, p := range unknown {
		group.Go(func() (err error) {
			missing[i], err = review(ctx, client, p)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var list []Missing
	for _, m := range missing {
		if m != nil {
			list = append(list, *m)
		}
	}
	return list, nil
}

// review asks for one permission, and returns nil where the user has it.
func review(ctx context.Context, client kubernetes.Interface, p Permission) (*Missing, error) {
	answer, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{Spec: p.asked()}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("ask whether the user may %s: %w", p.What(), err)
	}
	if answer.Status.Allowed {
		return nil, nil
	}
	return &Missing{p, cmp.Or(answer.Status.EvaluationError, answer.Status.Reason)}, nil
}

// rules are what the API server lists of the user's rules.
type rules authorizationv1.SubjectRulesReviewStatus

// listRules gives none where the API server does not list them, or not all: then
// another authorizer may refuse what a rule allows.
func listRules(ctx context.Context, client kubernetes.Interface) rules {
	answer, err := client.AuthorizationV1().SelfSubjectRulesReviews().Create(ctx, &authorizationv1.SelfSubjectRulesReview{
		Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: nowhere},
	}, metav1.CreateOptions{})
	if err != nil || answer.Status.Incomplete || answer.Status.EvaluationError != "" {
		return rules{}
	}
	return rules(answer.Status)
}

func (r rules) allow(p Permission) bool {
	if p.Path != "" {
		return slices.ContainsFunc(r.NonResourceRules, func(rule authorizationv1.NonResourceRule) bool {
			return has(rule.Verbs, p.Verb) && slices.ContainsFunc(rule.NonResourceURLs, func(url string) bool {
				begin, all := strings.CutSuffix(url, "*")
				return url == p.Path || all && strings.HasPrefix(p.Path, begin)
			})
		})
	}
	return slices.ContainsFunc(r.ResourceRules, func(rule authorizationv1.ResourceRule) bool {
		return has(rule.Verbs, p.Verb) && has(rule.APIGroups, p.Group) && hasResource(rule.Resources, p.Resource) &&
			(len(rule.ResourceNames) == 0 || p.Name != "" && slices.Contains(rule.ResourceNames, p.Name))
	})
}

func has(list []string, one string) bool {
	return slices.Contains(list, "*") || slices.Contains(list, one)
}

// hasResource knows the two wildcards of RBAC: * for everything, and */exec for a
// subresource of everything.
func hasResource(list []string, resource string) bool {
	_, subresource, sub := strings.Cut(resource, "/")
	return has(list, resource) || sub && slices.Contains(list, "*/"+subresource)
}

// Error says on one line what a user lacks and how to mend it; nil where he lacks
// nothing that a run cannot do without.
func Error(ctx context.Context, client kubernetes.Interface, cluster string, missing []Missing) error {
	missing = slices.DeleteFunc(slices.Clone(missing), func(m Missing) bool { return m.Optional })
	if len(missing) == 0 {
		return nil
	}
	var texts []string
	for _, together := range Together(missing) {
		texts = append(texts, Text(together))
	}
	user := Name(ctx, client)
	named := ""
	if user != "" {
		named = ", " + user + ","
	}
	return fmt.Errorf("the user of this kubeconfig%s may not, in cluster %s: %s; %s", named, cluster, strings.Join(texts, "; "), Mend(user))
}

// Mend says how somebody who may grants the permissions to a user.
func Mend(user string) string {
	whom := ""
	if account, is := strings.CutPrefix(user, "system:serviceaccount:"); is {
		whom = " --service-account " + strings.Replace(account, ":", "/", 1)
	} else if user != "" {
		whom = fmt.Sprintf(" --user %q", user)
	}
	return fmt.Sprintf("let an administrator grant it: katacert rbac%s | kubectl apply -f -", whom)
}

// Together brings together what is missing for the same purpose.
func Together(missing []Missing) [][]Missing {
	var list [][]Missing
	for _, m := range missing {
		i := slices.IndexFunc(list, func(others []Missing) bool {
			return others[0].Why == m.Why && others[0].Need == m.Need && others[0].Reason == m.Reason
		})
		if i < 0 {
			list = append(list, []Missing{m})
			continue
		}
		list[i] = append(list[i], m)
	}
	return list
}

// Text is what is missing for one purpose, why it is needed and what the authorizer
// said.
func Text(together []Missing) string {
	whats := make([]string, len(together))
	for i, m := range together {
		whats[i] = m.What()
	}
	text := fmt.Sprintf("%s (%s)", strings.Join(whats, ", "), together[0].Why)
	if reason := together[0].Reason; reason != "" {
		text += ": " + oneLine(reason)
	}
	return text
}

// Name is the name of the client's user, or empty where the API server does not
// tell (before Kubernetes 1.28).
func Name(ctx context.Context, client kubernetes.Interface) string {
	answer, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return ""
	}
	return oneLine(answer.Status.UserInfo.Username)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

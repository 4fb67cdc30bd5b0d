package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/suites/access"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
)

func newRBAC() *cobra.Command {
	var account, user, profile, controls, secret string
	var script bool
	cmd := &cobra.Command{
		Use:   "rbac",
		Short: "Print the RBAC objects that let an account certify a cluster",
		Long: `Rbac prints the roles and bindings that katacert's own user needs in a cluster,
each rule with what it is for, as YAML for kubectl apply. It asks no cluster. With
--profile quick it prints less: only what that profile does.`,
		Example: `  katacert rbac | kubectl apply -f -
  katacert rbac --service-account ci/certifier --profile nightly | kubectl apply -f -
  katacert rbac --user jane@example.org --image-pull-secret registry/pull`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			chosen, err := catalogue.Select(certification.Catalogue(), catalogue.Choice{Profile: catalogue.Profile(profile), Controls: controls})
			if err != nil {
				return usagef("%v", err)
			}
			pull, err := parseSecret(secret)
			if err != nil {
				return err
			}
			permissions := access.For(chosen, access.Extras{Secret: pull, Script: script})
			if user != "" {
				if cmd.Flags().Changed("service-account") {
					return usagef("--user and --service-account exclude each other")
				}
				return access.Manifest(cmd.OutOrStdout(), permissions, user)
			}
			namespace, name, ok := strings.Cut(account, "/")
			if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
				return usagef("--service-account %q: give it as NAMESPACE/NAME", account)
			}
			return access.ManifestOfAccount(cmd.OutOrStdout(), permissions, access.Account{Namespace: namespace, Name: name})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&account, "service-account", "katacert/katacert", "NAMESPACE/NAME of the service account that certifies; it is made")
	flags.StringVar(&user, "user", "", "user that certifies, in place of a service account, as the API server calls him")
	flags.StringVar(&profile, "profile", string(catalogue.Destructive), "what is to be certified: "+join(catalogue.Profiles()))
	flags.StringVar(&controls, "controls", "", "only controls whose id matches this regular expression")
	flags.StringVar(&secret, "image-pull-secret", "", "NAMESPACE/NAME of the secret with which the nodes will pull")
	flags.BoolVar(&script, "training-image", false, "an image of yours will train (certify --training-image)")
	_ = cmd.RegisterFlagCompletionFunc("profile", completions(catalogue.Profiles()))
	return cmd
}

// parseSecret reads NAMESPACE/NAME of a pull secret, or nothing.
func parseSecret(text string) (access.Secret, error) {
	if text == "" {
		return access.Secret{}, nil
	}
	namespace, name, ok := strings.Cut(text, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return access.Secret{}, usagef("--image-pull-secret %q: give it as NAMESPACE/NAME", text)
	}
	return access.Secret{Namespace: namespace, Name: name}, nil
}

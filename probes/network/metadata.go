package network

import (
	"fmt"
	"strings"
	"sync"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// service is a cloud's metadata service, and how to know it by its answer,
// whatever the status: a proxy may answer for any address.
type service struct {
	name    string
	request request
	marked  func(answer) bool
}

// services are the metadata services of the large clouds, each asked with what
// it demands of a caller:
//   - docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
//   - docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v2.html
//   - docs.cloud.google.com/compute/docs/metadata/querying-metadata
//   - learn.microsoft.com/azure/virtual-machines/instance-metadata-service
//   - alibabacloud.com/help/ecs/user-guide/view-instance-metadata
func services() []service {
	const (
		linkLocal = "169.254.169.254:80"
		ec2IPv6   = "[fd00:ec2::254]:80"
		// Tokens of IMDSv2 are asked for with the least time to live; none is kept.
		ttl = "X-aws-ec2-metadata-token-ttl-seconds: 1"
	)
	get := func(address, path string, headers ...string) request {
		return request{address: address, method: "GET", path: path, headers: headers}
	}
	put := func(address string) request {
		return request{address: address, method: "PUT", path: "/latest/api/token", headers: []string{ttl, "Content-Length: 0"}}
	}
	amazon := func(a answer) bool {
		return a.header.Get("Server") == "EC2ws" || a.header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") != "" || strings.Contains(a.body, "instance-id")
	}
	return []service{
		{"aws-imdsv1", get(linkLocal, "/latest/meta-data/"), amazon},
		{"aws-imdsv2", put(linkLocal), amazon},
		{"aws-imdsv2-ipv6", put(ec2IPv6), amazon},
		{"aws-ecs", get("169.254.170.2:80", "/v2/metadata"), func(a answer) bool { return strings.Contains(a.body, "TaskARN") }},
		{"gce", get(linkLocal, "/computeMetadata/v1/", "Metadata-Flavor: Google"), func(a answer) bool { return a.header.Get("Metadata-Flavor") == "Google" }},
		{"azure", get(linkLocal, "/metadata/instance?api-version=2021-02-01", "Metadata: true"), func(a answer) bool {
			return strings.HasPrefix(a.header.Get("Server"), "IMDS") || strings.Contains(a.body, `"compute"`)
		}},
		{"alibaba", get("100.100.100.200:80", "/latest/meta-data/"), func(a answer) bool { return strings.Contains(a.body, "instance-id") }},
	}
}

// metadata asks every metadata service at the same time. The answers hold
// credentials: nothing but their status is kept.
func metadata(ctx *probes.Context) evidence.Observation {
	return askServices(ctx, services())
}

func askServices(ctx *probes.Context, all []service) evidence.Observation {
	var (
		calls           sync.WaitGroup
		mu              sync.Mutex
		answered, tried []string
	)
	for _, s := range all {
		calls.Go(func() {
			a, err := ask(s.request, limit(ctx))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				tried = append(tried, s.name+": "+became(err))
			case s.marked(a):
				answered = append(answered, s.name)
				tried = append(tried, fmt.Sprintf("%s: status %d", s.name, a.status))
			default:
				tried = append(tried, fmt.Sprintf("%s: status %d without the service's mark", s.name, a.status))
			}
		})
	}
	calls.Wait()
	return probes.Seen(evidence.Values{"answered": evidence.List(answered...), "tried": evidence.List(tried...)})
}

package certification

import (
	"net/http"
	"sync/atomic"

	"k8s.io/client-go/rest"
)

// counting counts the requests to the API server that go through a client made
// from the returned configuration.
func counting(config *rest.Config, count *atomic.Int64) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			count.Add(1)
			return next.RoundTrip(request)
		})
	})
	return config
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

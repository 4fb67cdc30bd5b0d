package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/bounded"
	"github.com/katacert/katacert/probes/internal/pagecache"
)

// pageCacheWithin bounds one round on the page cache: the eviction, and reading
// some pages from a slow disk.
const pageCacheWithin = 5 * time.Second

// leaveSign makes the witness clear the page cache of the image's file and read a
// random half of its own region, and shows whether the node's page cache can
// carry such a sign at all: what the witness recovers right after must be what it
// left. It clears the tenants' regions too, before they leave theirs.
func leaveSign(ctx *probes.Context) evidence.Observation {
	if len(ctx.Seed) == 0 {
		return evidence.Observation{State: evidence.Failed, Detail: "was given no seed to draw pages from"}
	}
	return withPages(ctx, func(f *pagecache.File) (evidence.Values, error) {
		left, err := f.Evict()
		if err != nil {
			return nil, err
		}
		values, err := warm(f, probes.RegionNode, ctx.Seed)
		if err == nil {
			values["left_in_memory"] = evidence.Number(int64(left))
		}
		return values, err
	})
}

// leaveTenantSign makes a tenant's pod, and the reference beside it, read a
// random half of its region: what any work of a tenant on a shared image does.
func leaveTenantSign(ctx *probes.Context) evidence.Observation {
	region, secret := probes.RegionReference, []byte(ctx.Nonce)
	if ctx.Tenant != "" && ctx.Vantage != evidence.Reference {
		region, secret = "tenant-"+ctx.Tenant, ctx.TenantSeed
	}
	return withPages(ctx, func(f *pagecache.File) (evidence.Values, error) { return warm(f, region, secret) })
}

func warm(f *pagecache.File, region string, secret []byte) (evidence.Values, error) {
	sign := pagecache.MakeSign(secret, region)
	if err := f.Warm(region, sign); err != nil {
		return nil, err
	}
	recovered, err := f.Recover(region)
	if err != nil {
		return nil, err
	}
	return evidence.Values{"warmed": evidence.Text(sign.String()), "recovered": evidence.Text(recovered.String())}, nil
}

// readSigns reports which pages of each region are in memory, by the region's
// name.
func readSigns(ctx *probes.Context) evidence.Observation {
	return withPages(ctx, func(f *pagecache.File) (evidence.Values, error) {
		values := evidence.Values{}
		for _, region := range probes.PageRegions() {
			sign, err := f.Recover(region)
			if err != nil {
				return nil, err
			}
			values[region] = evidence.Text(sign.String())
		}
		return values, nil
	})
}

// withPages opens the image's file for a piece of work.
func withPages(ctx *probes.Context, work func(*pagecache.File) (evidence.Values, error)) evidence.Observation {
	limit := ctx.Scaled(pageCacheWithin)
	o, ended := bounded.Within(limit, func() evidence.Observation {
		f, err := pagecache.Open(probes.PagesFile)
		if errors.Is(err, fs.ErrNotExist) {
			return probes.Absent("this root file system holds no file %s, which is part of the probe's image", probes.PagesFile)
		}
		if err != nil {
			return probes.Unreadable(err)
		}
		defer func() { _ = f.Close() }()
		values, err := work(f)
		if err != nil {
			return probes.Unreadable(err)
		}
		return probes.Seen(values)
	})
	if !ended {
		return evidence.Observation{State: evidence.Failed, Detail: fmt.Sprintf("the file system did not answer within %v", limit)}
	}
	return o
}

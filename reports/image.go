package reports

import (
	"fmt"
	"strings"
)

// Image is an image that the run used, or that was under test.
type Image struct {
	Name   string `json:"name"`
	Ref    string `json:"ref"`
	Digest string `json:"digest"`
}

// What the names of images begin with that are not the tool's but under test: those
// that the nodes are made of, where nodes are containers, and those of the device
// plugins on the nodes. Further ones are "node 2" and so on.
const (
	NodeImage         = "node"
	DevicePluginImage = "device plugin"
)

// UnderTest says whether the image is a part of what was certified.
func (i Image) UnderTest() bool { return i.is(NodeImage) || i.is(DevicePluginImage) }

func (i Image) is(kind string) bool {
	return i.Name == kind || strings.HasPrefix(i.Name, kind+" ")
}

// NameImages gives images of one kind their names.
func NameImages(kind string, images []Image) {
	for i := range images {
		images[i].Name = kind
		if i > 0 {
			images[i].Name = fmt.Sprintf("%s %d", kind, i+1)
		}
	}
}

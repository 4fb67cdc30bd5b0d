package arp

import (
	"bytes"
	"net"
	"testing"
)

func TestAnnouncementsAreRecognised(t *testing.T) {
	own := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	packet := Announcement(own, "nonce-1")
	for name, test := range map[string]struct {
		packet []byte
		want   string
	}{
		"as sent":         {packet, "nonce-1"},
		"filled up":       {append(bytes.Clone(packet), 0, 0, 0), "nonce-1"},
		"cut off":         {packet[:20], ""},
		"without a mark":  {packet[:packetBytes], ""},
		"another mark":    {append(bytes.Clone(packet[:packetBytes]), "katacert mork x"...), ""},
		"an used address": {change(packet, 14, 10), ""},
		"another link":    {change(packet, 4, 8), ""},
		"nothing":         {nil, ""},
	} {
		got, ok := Signed(test.packet)
		if ok != (test.want != "") || ok && got != test.want {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
	if !bytes.Equal(packet[14:18], packet[24:28]) || !bytes.Equal(packet[8:14], own) {
		t.Errorf("the packet % x announces nothing", packet)
	}
}

func change(packet []byte, at int, to byte) []byte {
	changed := bytes.Clone(packet)
	changed[at] = to
	return changed
}

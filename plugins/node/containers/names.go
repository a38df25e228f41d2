package containers

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ballast-k8s/ballast/plugins/node/counters"
)

const (
	// maxLinks bounds the links that are read, ten times the containers that are: the kubelet keeps links of dead containers too, of one
	// for each container unless told otherwise.
	maxLinks = 10 * MaxContainers
	// linksAtOnce is how many names are asked for at a time.
	linksAtOnce = 1024
	// longestLink is the longest name that the kubelet gives a link: what is longer loses its end, and with it some of the id (legacy.go,
	// ext4MaxFileNameLen).
	longestLink = 255
	// idLength is that of an id of containerd and cri-o, leastID what package counters takes for one at least; enoughID is how much of a
	// cut one still tells a container, as in runtimes' own short ids.
	idLength, leastID, enoughID = 64, 8, 12

	suffix = ".log"
)

// The longest names that the API server takes: DNS subdomain and label.
const maxSubdomain, maxLabel = 253, 63

// name is what a container is called.
type name struct{ namespace, pod, container string }

// parseLink reads the name of a link. The id is only the beginning of the container's where the name was cut, and may be empty then.
func parseLink(link string) (n name, id string, ok bool) {
	text, ok := strings.CutSuffix(link, suffix)
	pod, rest, ok2 := strings.Cut(text, "_")
	namespace, rest, ok3 := strings.Cut(rest, "_")
	dash := strings.LastIndexByte(rest, '-')
	if !ok || !ok2 || !ok3 || dash < 0 || len(link) > longestLink {
		return name{}, "", false
	}
	n, id = name{namespace: namespace, pod: pod, container: rest[:dash]}, rest[dash+1:]
	if !made(pod, maxSubdomain, "-.") || !made(namespace, maxLabel, "-") || !made(n.container, maxLabel, "-") || len(id) > idLength ||
		len(id) < leastID && len(link) < longestLink || strings.Trim(id, "0123456789abcdef") != "" {
		return name{}, "", false
	}
	return n, id, true
}

// made says whether a text is of lower-case letters, digits and some more characters, as names are that the API server takes.
func made(text string, most int, more string) bool {
	if text == "" || len(text) > most {
		return false
	}
	for i := range len(text) {
		if c := text[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte(more, c) < 0 {
			return false
		}
	}
	return true
}

// part is the beginning of a container's id, and its name.
type part struct {
	id string
	of name
}

// names are those of containers, dead ones among them.
type names struct {
	folder string
	byID   map[string]name
	// cut are those of which only the beginning of the id is known, by its first bytes.
	cut map[string]part
	// lost says that of some links too little of the id is left, more that there are more links than are read.
	lost, more bool
}

// readNames reads the links in a folder, at most so many.
func readNames(folder string, most int) (*names, error) {
	if folder == "" {
		return nil, errors.New("none was given")
	}
	d, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	n := &names{folder: folder, byID: map[string]name{}, cut: map[string]part{}}
	for read := 0; ; {
		links, err := d.Readdirnames(linksAtOnce)
		for _, link := range links[:min(len(links), most-read)] {
			n.add(link)
		}
		read += len(links)
		switch {
		case read > most:
			n.more = true
			return n, nil
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return nil, err
		}
	}
}

func (n *names) add(link string) {
	of, id, ok := parseLink(link)
	switch whole := len(link) < longestLink || len(id) == idLength; {
	case ok && whole:
		n.byID[id] = of
	case ok && len(id) >= enoughID:
		n.cut[id[:enoughID]] = part{id, of}
	case !whole:
		n.lost = true
	} // else it is somebody else's file
}

// of is the name of a container.
func (n *names) of(id string) (name, bool) {
	if is, ok := n.byID[id]; ok {
		return is, true
	}
	is, ok := n.cut[id[:min(len(id), enoughID)]]
	return is.of, ok && strings.HasPrefix(id, is.id)
}

// foreign says why none of the containers has a name though one should have; empty: some have, or there may be only sandboxes. A pod that
// has two cgroups has a container in one of them.
func (n *names) foreign(found []counters.Container) string {
	pods, two := map[string]bool{}, false
	for _, c := range found {
		if _, ok := n.of(c.ID); ok {
			return ""
		}
		two = two || pods[c.Pod]
		pods[c.Pod] = true
	}
	if !two {
		return ""
	}
	return "no link in " + n.folder + " is of a container that runs here: it is another node's folder, or the runtime writes no log files"
}

// unread says which names are missing although the links can be read; empty: none is known to.
func (n *names) unread() string {
	switch {
	case n.more:
		return fmt.Sprintf("%s has more than %d links: containers of the others are not shown", n.folder, maxLinks)
	case n.lost:
		return fmt.Sprintf("the kubelet cuts the names of its links at %d bytes: of pods with very long names too little is left of their "+
			"containers' ids, and these are not shown", longestLink)
	}
	return ""
}

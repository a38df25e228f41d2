package node

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// shown is the name of a group for a table: quoted, as in Go, if it holds what a terminal would obey, or not show. Whoever may make a group
// may give it any name without a slash and a newline.
func shown(name string) string {
	if quoted := strconv.Quote(name); quoted[1:len(quoted)-1] != name {
		return quoted
	}
	return name
}

// encodable is the name of a group for csv and json, which are UTF-8: quoted if it is not.
func encodable(name string) string {
	if !utf8.ValidString(name) {
		return strconv.Quote(name)
	}
	return name
}

// escaped is a sentence for a terminal, in which there may be such names.
func escaped(sentence string) string {
	if utf8.ValidString(sentence) && !strings.ContainsFunc(sentence, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return sentence
	}
	quoted := strconv.Quote(sentence)
	return quoted[1 : len(quoted)-1]
}

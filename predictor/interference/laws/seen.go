package laws

import (
	"encoding/hex"
	"fmt"
)

// EncodeSeen writes a set of classes as hexadecimal digits, nothing for none.
func EncodeSeen(seen []bool) string {
	if seen == nil {
		return ""
	}
	b := make([]byte, (len(seen)+7)/8)
	for j, ok := range seen {
		if ok {
			b[j/8] |= 1 << (j % 8)
		}
	}
	return hex.EncodeToString(b)
}

// DecodeSeen reads what EncodeSeen wrote for a number of classes.
func DecodeSeen(text string, classes int) ([]bool, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != (classes+7)/8 {
		return nil, fmt.Errorf("seen is %q, expected %d hexadecimal digits, a bit for each class", text, 2*((classes+7)/8))
	}
	seen := make([]bool, classes)
	for j := range seen {
		seen[j] = b[j/8]>>(j%8)&1 == 1
	}
	return seen, nil
}

package qr

// layout of one version at level L (ISO/IEC 18004 table 9).
type layout struct{ total, correction, blocks int }

var layouts = []layout{
	{}, {26, 7, 1}, {44, 10, 1}, {70, 15, 1}, {100, 20, 1}, {134, 26, 1},
	{172, 18, 2}, {196, 20, 2}, {242, 24, 2}, {292, 30, 2}, {346, 18, 4},
}

// alignments are the centres of the alignment patterns (annex E).
var alignments = [][]int{
	nil, nil, {6, 18}, {6, 22}, {6, 26}, {6, 30}, {6, 34}, {6, 22, 38}, {6, 24, 42}, {6, 26, 46}, {6, 28, 50},
}

func (l layout) data() int { return l.total - l.correction*l.blocks }

// codewords finds the smallest version that holds text and makes its codewords,
// with error correction, interleaved.
func codewords(text []byte) (version int, words []byte, err error) {
	for v := 1; v < len(layouts); v++ {
		lengthBits := 8
		if v >= 10 {
			lengthBits = 16
		}
		if 4+lengthBits+8*len(text) <= 8*layouts[v].data() {
			return v, interleave(layouts[v], pad(text, lengthBits, layouts[v].data())), nil
		}
	}
	return 0, nil, ErrTooLong
}

// pad writes mode, length, text, terminator and filling.
func pad(text []byte, lengthBits, size int) []byte {
	var bits []bool
	put := func(value, n int) {
		for i := n - 1; i >= 0; i-- {
			bits = append(bits, value>>i&1 == 1)
		}
	}
	put(4, 4)
	put(len(text), lengthBits)
	for _, b := range text {
		put(int(b), 8)
	}
	put(0, min(4, size*8-len(bits)))
	put(0, (8-len(bits)%8)%8)
	out := make([]byte, 0, size)
	for i := 0; i < len(bits); i += 8 {
		var b byte
		for _, bit := range bits[i : i+8] {
			b <<= 1
			if bit {
				b |= 1
			}
		}
		out = append(out, b)
	}
	for fill := byte(0xEC); len(out) < size; fill ^= 0xEC ^ 0x11 {
		out = append(out, fill)
	}
	return out
}

// interleave cuts data into blocks, adds each one's correction and takes the
// words of the blocks in turn.
func interleave(l layout, data []byte) []byte {
	generator := generatorOf(l.correction)
	short := l.blocks - l.total%l.blocks // blocks that have one word less
	size := l.total/l.blocks - l.correction
	var blocks, corrections [][]byte
	for i := range l.blocks {
		n := size
		if i >= short {
			n++
		}
		blocks = append(blocks, data[:n])
		corrections = append(corrections, remainder(data[:n], generator))
		data = data[n:]
	}
	var out []byte
	for i := range size + 1 {
		for _, b := range blocks {
			if i < len(b) {
				out = append(out, b[i])
			}
		}
	}
	for i := range l.correction {
		for _, c := range corrections {
			out = append(out, c[i])
		}
	}
	return out
}

// generatorOf is the generator polynomial of a degree, without its leading one.
func generatorOf(degree int) []byte {
	g := make([]byte, degree)
	g[degree-1] = 1
	root := byte(1)
	for range degree {
		for j := range g {
			g[j] = multiply(g[j], root)
			if j+1 < degree {
				g[j] ^= g[j+1]
			}
		}
		root = multiply(root, 2)
	}
	return g
}

// remainder is the Reed-Solomon correction of data.
func remainder(data, generator []byte) []byte {
	out := make([]byte, len(generator))
	for _, b := range data {
		factor := b ^ out[0]
		copy(out, out[1:])
		out[len(out)-1] = 0
		for i, g := range generator {
			out[i] ^= multiply(g, factor)
		}
	}
	return out
}

// multiply in GF(256) modulo x^8+x^4+x^3+x^2+1.
func multiply(a, b byte) byte {
	var z int
	for i := 7; i >= 0; i-- {
		z = z<<1 ^ z>>7*0x11D
		z ^= int(b>>i&1) * int(a)
	}
	return byte(z) // #nosec G115 -- below 256 by construction
}

// Package qr draws a short text as a QR code (ISO/IEC 18004): byte mode, error
// correction level L, versions 1 to 10, mask 0. It is what a phone reads when the
// sandbox enrols a second factor. Read qr.go first, then blocks.go.
package qr

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
)

// ErrTooLong is returned for a text that no version up to 10 holds (271 bytes).
var ErrTooLong = errors.New("qr: text too long")

// Scale and border of a picture, in pixels a module and in modules.
const (
	scale  = 4
	border = 4
)

// PNG draws text. Error: ErrTooLong.
func PNG(text string) ([]byte, error) {
	m, err := Encode(text)
	if err != nil {
		return nil, err
	}
	side := (len(m) + 2*border) * scale
	img := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		for x := range side {
			row, col := y/scale-border, x/scale-border
			if row >= 0 && row < len(m) && col >= 0 && col < len(m) && m[row][col] {
				img.SetColorIndex(x, y, 1)
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("qr: %w", err)
	}
	return b.Bytes(), nil
}

// Encode returns the modules of a code, true for dark, row by row.
func Encode(text string) ([][]bool, error) {
	v, words, err := codewords([]byte(text))
	if err != nil {
		return nil, err
	}
	c := newCanvas(v)
	c.patterns()
	c.write(words)
	c.format()
	return c.dark, nil
}

// canvas is a code in the making.
type canvas struct {
	version, size int
	dark, fixed   [][]bool
}

func newCanvas(version int) *canvas {
	c := &canvas{version: version, size: 17 + 4*version}
	for range c.size {
		c.dark = append(c.dark, make([]bool, c.size))
		c.fixed = append(c.fixed, make([]bool, c.size))
	}
	return c
}

func (c *canvas) set(row, col int, dark bool) {
	if row >= 0 && row < c.size && col >= 0 && col < c.size {
		c.dark[row][col], c.fixed[row][col] = dark, true
	}
}

// patterns draws what does not depend on the text, and keeps the places of the
// format free.
func (c *canvas) patterns() {
	for i := range c.size {
		c.set(6, i, i%2 == 0)
		c.set(i, 6, i%2 == 0)
	}
	for _, p := range [][2]int{{3, 3}, {3, c.size - 4}, {c.size - 4, 3}} {
		c.square(p[0], p[1], 4, func(d int) bool { return d != 2 && d != 4 })
	}
	places := alignments[c.version]
	for i, row := range places {
		for j, col := range places {
			last := len(places) - 1
			if i == 0 && j == 0 || i == 0 && j == last || i == last && j == 0 {
				continue
			}
			c.square(row, col, 2, func(d int) bool { return d != 1 })
		}
	}
	c.format()
	c.versionInfo()
}

// square draws rings around a centre; dark tells of each distance.
func (c *canvas) square(row, col, reach int, dark func(distance int) bool) {
	for dy := -reach; dy <= reach; dy++ {
		for dx := -reach; dx <= reach; dx++ {
			c.set(row+dy, col+dx, dark(max(dy, -dy, dx, -dx)))
		}
	}
}

// format draws level L and mask 0 twice, with their BCH code (ISO/IEC 18004 7.9).
func (c *canvas) format() {
	data := 1 << 3 // level L, mask 0
	rem := data
	for range 10 {
		rem = rem<<1 ^ rem>>9*0x537
	}
	bits := (data<<10 | rem) ^ 0x5412
	bit := func(i int) bool { return bits>>i&1 == 1 }
	for i := range 6 {
		c.set(i, 8, bit(i))
		c.set(8, 5-i, bit(9+i))
	}
	c.set(7, 8, bit(6))
	c.set(8, 8, bit(7))
	c.set(8, 7, bit(8))
	for i := range 8 {
		c.set(8, c.size-1-i, bit(i))
	}
	for i := 8; i < 15; i++ {
		c.set(c.size-15+i, 8, bit(i))
	}
	c.set(c.size-8, 8, true)
}

// versionInfo draws the version, from 7 on (ISO/IEC 18004 7.10).
func (c *canvas) versionInfo() {
	if c.version < 7 {
		return
	}
	rem := c.version
	for range 12 {
		rem = rem<<1 ^ rem>>11*0x1F25
	}
	bits := c.version<<12 | rem
	for i := range 18 {
		dark := bits>>i&1 == 1
		c.set(c.size-11+i%3, i/3, dark)
		c.set(i/3, c.size-11+i%3, dark)
	}
}

// write lays the codewords in zigzag from the right and applies mask 0.
func (c *canvas) write(words []byte) {
	i := 0
	for right := c.size - 1; right >= 1; right -= 2 {
		if right == 6 {
			right = 5
		}
		up := (right+1)&2 == 0
		for step := range c.size {
			row := step
			if up {
				row = c.size - 1 - step
			}
			for _, col := range []int{right, right - 1} {
				if c.fixed[row][col] {
					continue
				}
				dark := i < len(words)*8 && words[i/8]>>(7-i%8)&1 == 1
				i++
				c.dark[row][col] = dark != ((row+col)%2 == 0)
			}
		}
	}
}

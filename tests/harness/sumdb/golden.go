package main

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	modzip "golang.org/x/mod/zip"
)

// A key for tests; its private half signs nothing else.
const goldenKey = "PRIVATE+KEY+sum.example+4a8a4721+ATHX+ipezZnkVxiZwL2920VTyJ3myNAjlcGIeDs7LLwz"

func writeGolden(folder string) {
	write := func(name string, lines ...string) {
		text := strings.Join(lines, "\n") + "\n"
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	write("paths.txt", paths()...)
	write("versions.txt", versions()...)
	write("trees.txt", trees()...)
	write("tiles.txt", tiles()...)
	write("zip-sum.txt", zipped(filepath.Join(folder, "module.zip")))
	notes(folder)
}

// What is a path of a module and of a file, and how it is escaped.
func paths() []string {
	inputs := []string{
		"example.com/a", "example.com/Azure/go", "example.com", "example", "github.com/a/b/v2",
		"github.com/a/b/v1", "github.com/a/b/v0", "github.com/a/b/v02", "github.com/a/b/v2.1",
		"gopkg.in/yaml.v2", "gopkg.in/yaml.v2-unstable", "gopkg.in/yaml", "gopkg.in/yaml.v0",
		"gopkg.in/check.v1", "gopkg.in/x/yaml.v02", "Example.com/a", "example.com/a b", "example.com/.a",
		"example.com/a.", "example.com/a~1", "example.com/a~b", "example.com/con", "example.com/Con.txt",
		"example.com/comx", "-example.com/a", "example.com//a", "example.com/a/", "/example.com/a",
		"example.com/a/../b", "example.com/a+b", "example.com/a!b", "example.com/é", "example.com:80/a",
		"example.com/v2", "v2", "example.com/a/v2/b", "example_x.com/a", "example.com/a_b-c.d~e",
		"example.com/a/v10", "golang.org/toolchain", "...", "a..b/c", "example.com/a/v",
	}
	var lines []string
	for _, input := range inputs {
		escaped, err := module.EscapePath(input)
		if err != nil {
			escaped = "-"
		}
		prefix, major, ok := module.SplitPathVersion(input)
		split := "-"
		if ok {
			split = prefix + " " + major
		}
		isFile := module.CheckFilePath(input) == nil
		lines = append(lines, fmt.Sprintf("%s\t%s\t%s\t%v", input, escaped, split, isFile))
	}
	return lines
}

// What is a canonical version, which stand for commits, what fits which path, and the order of all.
func versions() []string {
	inputs := []string{
		"v1.2.3", "v1.2", "v1", "1.2.3", "v0.0.0", "v1.2.3-pre", "v1.2.3-pre.1", "v1.2.3-pre.10",
		"v1.2.3-0.20191109021931-daa7c04131f5", "v0.0.0-20191109021931-daa7c04131f5",
		"v1.2.3-pre.0.20191109021931-daa7c04131f5", "v2.0.0+incompatible", "v2.0.0", "v2.0.0+meta",
		"v2.0.1-0.20191109021931-daa7c04131f5+incompatible", "v1.02.3", "v1.2.3-01", "v1.2.3-01a", "v1.2.3-",
		"v1.10.0", "v1.9.0", "v0.0.0-2019110902193-daa7c04131f5", "v0.0.0-20191109021931-daa7c04131fg",
		"v0.0.1-go1.21.0.linux-amd64", "v3.0.0", "main", "v1.2.3.4", "v1.2.3-a.b-c", "v10.0.0",
	}
	paths := []string{
		"example.com/a", "example.com/a/v2", "gopkg.in/a.v1", "gopkg.in/a.v2", "gopkg.in/a.v2-unstable",
	}
	var lines []string
	var valid []string
	for _, input := range inputs {
		canonical := semver.IsValid(input) && module.CanonicalVersion(input) == input
		var fits []string
		if canonical {
			valid = append(valid, input)
			for _, path := range paths {
				if module.Check(path, input) == nil {
					fits = append(fits, path)
				}
			}
		}
		lines = append(lines, fmt.Sprintf("%s\t%v\t%v\t%s", input, canonical,
			canonical && module.IsPseudoVersion(input), strings.Join(fits, " ")))
	}
	sort.SliceStable(valid, func(i, j int) bool {
		if order := semver.Compare(valid[i], valid[j]); order != 0 {
			return order < 0
		}
		return valid[i] < valid[j]
	})
	return append(lines, "order\t"+strings.Join(valid, " "))
}

// The roots of trees whose record number n is "record n\n".
func trees() []string {
	sizes := map[int64]bool{}
	for _, size := range []int64{1, 2, 3, 7, 8, 9, 255, 256, 257, 511, 512, 600, 4095, 65535, 65536, 65537, 70000} {
		sizes[size] = true
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	var lines []string
	for n := int64(0); n < 70000; n++ {
		hashes, err := tlog.StoredHashes(n, []byte(fmt.Sprintf("record %d\n", n)), reader)
		if err != nil {
			log.Fatal(err)
		}
		stored = append(stored, hashes...)
		if sizes[n+1] {
			root, err := tlog.TreeHash(n+1, reader)
			if err != nil {
				log.Fatal(err)
			}
			lines = append(lines, fmt.Sprintf("%d %s", n+1, base64.StdEncoding.EncodeToString(root[:])))
		}
	}
	return lines
}

// Paths of tiles.
func tiles() []string {
	var lines []string
	for _, tile := range []tlog.Tile{
		{H: 8, L: 0, N: 0, W: 256}, {H: 8, L: 0, N: 0, W: 1}, {H: 8, L: 1, N: 999, W: 256}, {H: 8, L: 1, N: 1000, W: 255},
		{H: 8, L: 0, N: 1234067, W: 256}, {H: 8, L: 0, N: 1234067, W: 7}, {H: 8, L: -1, N: 0, W: 256},
		{H: 8, L: -1, N: 1001, W: 3}, {H: 8, L: 7, N: 0, W: 2},
	} {
		lines = append(lines, fmt.Sprintf("%d %d %d %s", tile.L, tile.N, tile.W, tile.Path()))
	}
	return lines
}

// A module's zip file, and the sum of it and of its go.mod.
func zipped(to string) string {
	files := map[string]string{
		"go.mod":         "module example.com/Azure/thing\n\ngo 1.21\n\nrequire example.com/other v1.2.3 // indirect\n",
		"LICENSE":        "Do what you like.\n",
		"README.md":      "# Thing\n\nA thing.\n",
		"thing.go":       "package thing\n",
		"inner/inner.go": "package inner // " + strings.Repeat("x", 70000) + "\n",
		"testdata/é.txt": "é\n",
	}
	folder, err := os.MkdirTemp("", "module")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	version := module.Version{Path: "example.com/Azure/thing", Version: "v1.2.3"}
	var packed bytes.Buffer
	if err := modzip.CreateFromDir(&packed, version, folder); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(to, packed.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
	if _, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len())); err != nil {
		log.Fatal(err)
	}
	sum, err := dirhash.HashZip(to, dirhash.Hash1)
	if err != nil {
		log.Fatal(err)
	}
	return sum + "\n" + dirhashOf(files["go.mod"])
}

// Notes that two keys signed, and the first one's public half.
func notes(folder string) {
	signer, err := note.NewSigner(goldenKey)
	if err != nil {
		log.Fatal(err)
	}
	tree := tlog.FormatTree(tlog.Tree{N: 3, Hash: tlog.RecordHash([]byte("record 0\n"))})
	signed, err := note.Sign(&note.Note{Text: string(tree)}, otherSigner(), signer)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "note.txt"), signed, 0o644); err != nil {
		log.Fatal(err)
	}
}

func otherSigner() note.Signer {
	private, _, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{7}, 64)), "other.example")
	if err != nil {
		log.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		log.Fatal(err)
	}
	return signer
}

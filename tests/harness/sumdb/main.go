// A checksum database for tests, made of golang.org/x/mod alone: it sums up what a module proxy has,
// and serves that as a signed log. With -golden it writes what the same module makes of known inputs.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/dirhash"
)

// Records of modules below it are made up: they fill the tree.
const filler = "filler.example/"

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "where to listen")
	key := flag.String("key", goldenKey, "the private key that signs states")
	proxy := flag.String("proxy", "", "the address of the module proxy that is summed up")
	fill := flag.Int("fill", 0, "records that are made up before anything is asked")
	seed := flag.String("seed", "", "part of made-up records: another one makes another log")
	golden := flag.String("golden", "", "write golden files to this folder, and end")
	flag.Parse()
	log.SetFlags(0)
	if *golden != "" {
		writeGolden(*golden)
		return
	}
	sums := func(path, version string) ([]byte, error) {
		if strings.HasPrefix(path, filler) {
			sum := dirhashOf(*seed + path + version)
			return []byte(fmt.Sprintf("%s %s %s\n%s %s/go.mod %s\n", path, version, sum, path, version, sum)), nil
		}
		return summed(strings.TrimSuffix(*proxy, "/"), path, version)
	}
	server := sumdb.NewTestServer(*key, sums)
	for i := 0; i < *fill; i++ {
		version := module.Version{Path: filler + "m", Version: fmt.Sprintf("v0.0.%d", i)}
		if _, err := server.Lookup(context.Background(), version); err != nil {
			log.Fatal(err)
		}
	}
	handler := sumdb.NewServer(server)
	var requests atomic.Int64
	serve := http.NewServeMux()
	for _, path := range sumdb.ServerPaths {
		serve.Handle(path, counted(&requests, handler))
	}
	serve.HandleFunc("/supported", func(http.ResponseWriter, *http.Request) {})
	serve.HandleFunc("/requests", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%d\n", requests.Load())
	})
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s/\n", listener.Addr())
	log.Fatal(http.Serve(listener, serve))
}

func counted(requests *atomic.Int64, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		handler.ServeHTTP(w, r)
	})
}

// The lines of go.sum for what a proxy has.
func summed(proxy, path, version string) ([]byte, error) {
	escapedPath, err := module.EscapePath(path)
	if err != nil {
		return nil, err
	}
	escapedVersion, err := module.EscapeVersion(version)
	if err != nil {
		return nil, err
	}
	base := proxy + "/" + escapedPath + "/@v/" + escapedVersion
	zip, err := fetched(base + ".zip")
	if err != nil {
		return nil, err
	}
	mod, err := fetched(base + ".mod")
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp("", "sumdb-*.zip")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	if _, err := file.Write(zip); err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	zipSum, err := dirhash.HashZip(file.Name(), dirhash.Hash1)
	if err != nil {
		return nil, err
	}
	modSum, err := modHash(string(mod))
	if err != nil {
		return nil, err
	}
	return []byte(fmt.Sprintf("%s %s %s\n%s %s/go.mod %s\n", path, version, zipSum, path, version, modSum)), nil
}

func modHash(text string) (string, error) {
	return dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(text)), nil
	})
}

func dirhashOf(text string) string {
	sum, err := modHash(text)
	if err != nil {
		log.Fatal(err)
	}
	return sum
}

func fetched(url string) ([]byte, error) {
	response, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNotFound {
		return nil, os.ErrNotExist
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	return io.ReadAll(response.Body)
}

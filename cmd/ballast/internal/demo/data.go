package demo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/simulator/demo"
)

// folder is a folder of the data, empty where there are no data and none were asked for. What was asked for must be there.
func (o *options) folder(name string) (string, error) {
	data, asked := o.data, o.data != ""
	if !asked {
		data = os.Getenv("BALLAST_DATA")
		asked = data != ""
	}
	if !asked {
		data = filepath.Join("..", "shared", "data")
	}
	path := filepath.Join(data, name)
	_, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !asked:
		return "", nil
	case err != nil:
		return "", fmt.Errorf("finding data: %w; without --data and BALLAST_DATA they are generated", err)
	}
	return path, nil
}

// inputs are the published measurements where they are found, else generated ones.
func (o *options) inputs() (*demo.Inputs, error) {
	folder, err := o.folder("metis")
	if err != nil {
		return nil, err
	}
	if folder == "" {
		return demo.GeneratedInputs(o.seed)
	}
	tables := make([]*interference.Table, 0, 4)
	for _, file := range []string{"mixes.csv.gz", "pairs.csv", "batch_set_200.csv", "forest.csv.gz"} {
		t, err := cli.ReadMixes(filepath.Join(folder, file))
		if err != nil {
			return nil, fmt.Errorf("reading measured mixes: %w", err)
		}
		tables = append(tables, t)
	}
	return demo.MetisInputs(tables[0], tables[1], tables[2], tables[3])
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/d2gate/d2gate/internal/store"
)

func (p *program) backupCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "backup FILE", Short: "Copy the SQLite store, also while d2gate runs", Args: cobra.ExactArgs(1),
		Long: "Writes a consistent copy of the store to FILE, which must not exist. It holds hashes of tokens, no tokens;\nkeep it as safe as the store. The signing key (issuer.pem) and the audit log are files of their own.",
	}
	file := c.Flags().StringP("config", "c", "", "configuration file (default: what runs in .d2gate)")
	c.RunE = func(c *cobra.Command, args []string) error {
		at, err := p.place(*file)
		if err != nil {
			return err
		}
		target, err := filepath.Abs(args[0])
		if err != nil {
			return err
		}
		if err := at.backup(c.Context(), target); err != nil {
			return err
		}
		p.say("wrote %s", args[0])
		return nil
	}
	return c
}

// backup asks the running d2gate for a copy, else makes it from the file.
func (at *place) backup(ctx context.Context, target string) error {
	server, err := reach(at.cfg.Admin.Socket)
	if err == nil {
		return server.call(ctx, "POST", "/backup", map[string]string{"path": target}, nil)
	}
	if !errors.Is(err, errNoServer) {
		return err
	}
	s, err := at.openStore(ctx)
	if err != nil {
		return err
	}
	return errors.Join(s.Backup(ctx, target), s.Close())
}

func (p *program) restoreCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "restore FILE", Short: "Put a backup in the place of the SQLite store", Args: cobra.ExactArgs(1),
		Long: "Checks that FILE is a whole store, keeps the present store beside itself as NAME.before-restore, and puts FILE in\nits place under the same owner. Stop d2gate first. Tokens revoked since the backup work again: revoke them again.",
	}
	file := c.Flags().StringP("config", "c", "", "configuration file (default: the store in .d2gate)")
	c.RunE = func(c *cobra.Command, args []string) error {
		at, err := p.place(*file)
		if err != nil {
			return err
		}
		path, err := at.sqlitePath()
		if err != nil {
			return err
		}
		if err := restore(c.Context(), args[0], path); err != nil {
			return err
		}
		p.say("restored %s; the store before is %s.before-restore", path, path)
		return nil
	}
	return c
}

// restore copies from beside the store at path, opens the copy to see that it is a
// store of ours, and changes names. It fails at once where a server has the store.
func restore(ctx context.Context, from, path string) error {
	present, err := store.OpenSQLite(path) // takes the lock, empties the write-ahead log at Close
	if err != nil {
		return err
	}
	if err := present.Close(); err != nil {
		return err
	}
	fresh := path + ".restoring"
	if err := copyPrivate(from, fresh); err != nil {
		return err
	}
	s, err := store.Open(ctx, "sqlite", fresh)
	if err != nil {
		return errors.Join(fmt.Errorf("%s is no store of d2gate: %w", from, err), os.Remove(fresh))
	}
	if err := s.Close(); err != nil {
		return err
	}
	for _, leftover := range []string{fresh + ".lock", path + "-wal", path + "-shm"} {
		if err := os.Remove(leftover); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := keepOwner(path, fresh); err != nil {
		return err
	}
	if err := os.Rename(path, path+".before-restore"); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

// keepOwner gives a file to the user whose file it replaces: root restores what the
// user of the service must open.
func keepOwner(old, fresh string) error {
	info, err := os.Stat(old)
	if err != nil {
		return err
	}
	was, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(fresh, int(was.Uid), int(was.Gid))
}

func copyPrivate(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

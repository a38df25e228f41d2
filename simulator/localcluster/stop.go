package localcluster

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// Done is closed when the cluster has stopped, or when etcd, kube-apiserver, kube-controller-manager or KWOK has died by itself; Err tells
// which of the two. In the second case Stop must still be called.
func (c *Cluster) Done() <-chan struct{} { return c.done }

// Err returns nil while the cluster runs and after an orderly stop; if an essential component died by itself, it says which, and how.
func (c *Cluster) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Stop ends all processes, those of Run first, and removes the folder. It returns when nothing is left, after about two seconds. Further
// calls wait for the first and return its result.
func (c *Cluster) Stop() error {
	c.stopOnce.Do(func() { c.stopErr = c.stop() })
	return c.stopErr
}

func (c *Cluster) stop() error {
	c.mu.Lock()
	c.detach()
	c.stopping = true // from here on nothing is started
	var guests, essentials []*Child
	for _, child := range c.children {
		if isEssential(child.name) {
			essentials = append(essentials, child)
		} else {
			guests = append(guests, child)
		}
	}
	c.mu.Unlock()
	// A scheduler still gets answers while it gives up its lease.
	stopAll(guests)
	stopAll(essentials)
	c.forker.close()
	err := removeFolder(c.dir)
	c.watchdog.dismiss(err == nil)
	c.releasePorts()
	c.closeDone(nil)
	return err
}

// stopAll stops the children at the same time and waits for all.
func stopAll(children []*Child) {
	var group sync.WaitGroup
	for _, child := range children {
		group.Go(child.Stop)
	}
	group.Wait()
}

// removeFolder tries for half a second: a process that a component left outside its group may still be writing.
func removeFolder(dir string) error {
	var err error
	for range 10 {
		if err = os.RemoveAll(dir); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("removing the cluster's folder: %w", err)
}

// closeDone closes Done once, and keeps the error of the first call.
func (c *Cluster) closeDone(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.doneClosed || err != nil && c.stopping {
		return // no death is unexpected once Stop has begun
	}
	c.err = err
	c.doneClosed = true
	close(c.done)
}

// guard closes the cluster's Done when an essential child dies by itself.
func (c *Cluster) guard(child *Child) {
	go func() {
		<-child.done
		if err := child.Err(); err != nil {
			c.closeDone(err)
		}
	}()
}

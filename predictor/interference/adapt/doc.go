// Package adapt lets a fitted model learn from measurements that come after the fit, without those that it was fitted on: classes that it does not
// know are completed (package complete), those that it knows are updated, forget and are watched for change (package online).
//
// The model's document is the whole state: what Learn returns can be stored, published, and taught again. Class.Provenance says of each
// class where its numbers come from by now.
//
// A mix with one new class is a probe of it: it teaches how the new class presses and reacts, and nothing of the others. All other mixes update every
// class that was measured in them. With the old mixes at hand and a dozen new ones, a fit to all together is better: it also learns
// how the new class interacts.
package adapt

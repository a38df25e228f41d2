package complete

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/belief"
)

// Probes chooses which mixes to measure of a class that the model does not know: so many of the candidates, in the order in which to measure them.
// Candidates are mixes of known classes and the new one (its index is the number of known classes), all of which it is in, and stand for the
// mixes that it will be met in: each choice is the one that lowers the variance of ln(performance) over all of them most, of the class and of
// those beside it, one container of either counting alike. It depends on the population only, not on what the probes show. Settles is the
// share of that variance, as it is without probes, by which each choice lowers it, after those before it; 0 where there is nothing to settle.
func Probes(m *interference.Model, candidates []interference.Mix, count int) (chosen []int, settles []float64, err error) {
	known := m.Document()
	class := len(known.Classes)
	for i, mix := range candidates {
		if len(mix) == 0 || mix[len(mix)-1].Class != class || mix[0].Class < 0 {
			return nil, nil, fmt.Errorf("candidate %d does not hold the new class (index %d) and known ones only", i, class)
		}
	}
	e, err := newExtension(m, "new")
	if err != nil {
		return nil, nil, err
	}
	so, err := e.model(nil)
	if err != nil {
		return nil, nil, err
	}
	q := newQuestions(e, so, candidates)
	all := q.unsure()
	left := all
	for range min(count, len(candidates)) {
		best, at := -1.0, 0
		for i := range candidates {
			if slices.Contains(chosen, i) {
				continue
			}
			if gain := q.gain(i); gain > best {
				best, at = gain, i
			}
		}
		q.measure(at)
		share, now := 0.0, q.unsure()
		if all > 0 {
			share = max(left-now, 0) / all
		}
		chosen, settles, left = append(chosen, at), append(settles, share), now
	}
	return chosen, settles, nil
}

// questions are the candidates as questions to the two beliefs.
type questions struct {
	pressing, reacting asked
}

// asked is a belief, how much each direction of it matters (the sum of zz' over all questions), and what each candidate shows of it.
type asked struct {
	belief  belief.Normal
	matters *mat.SymDense
	shows   [][]shown
}

type shown struct {
	z        []float64
	variance float64
}

func newQuestions(e *extension, so *interference.Model, candidates []interference.Mix) *questions {
	q := &questions{newAsked(e.pressing.Normal, len(candidates)), newAsked(e.reacting.Normal, len(candidates))}
	for i, mix := range candidates {
		last := mix[len(mix)-1]
		for _, l := range mix[:len(mix)-1] {
			// The weight of a question is the containers that it is about.
			q.pressing.add(i, e.form.pressingRow(l.Class, last.Units), scatter(&e.known.Classes[l.Class], 1), l.Units)
		}
		q.reacting.add(i, so.Row(nil, mix, last.Class), scatter(&e.class, 1), last.Units)
	}
	return q
}

func newAsked(b belief.Normal, candidates int) asked {
	return asked{b.Clone(), mat.NewSymDense(len(b.Mean), nil), make([][]shown, candidates)}
}

func (a *asked) add(i int, z []float64, variance, weight float64) {
	a.shows[i] = append(a.shows[i], shown{z, variance})
	a.matters.SymRankOne(a.matters, weight, mat.NewVecDense(len(z), z))
}

// unsure is the variance of ln(performance) over all questions.
func (q *questions) unsure() float64 { return q.pressing.unsure() + q.reacting.unsure() }

// The sum of z'Pz over all z is the trace of P times the sum of zz'.
func (a *asked) unsure() float64 {
	var sum float64
	for i := range len(a.belief.Mean) {
		for j := range len(a.belief.Mean) {
			sum += a.belief.Covariance.At(i, j) * a.matters.At(i, j)
		}
	}
	return sum
}

// gain is by how much a candidate's measurement lowers the variance over all questions. What the classes beside it show is taken one by
// one, as if each were alone; the choice needs no more.
func (q *questions) gain(i int) float64 { return q.pressing.gain(i) + q.reacting.gain(i) }

func (a *asked) gain(i int) float64 {
	var sum float64
	for _, s := range a.shows[i] {
		var p mat.VecDense
		p.MulVec(a.belief.Covariance, mat.NewVecDense(len(s.z), s.z))
		_, own := a.belief.Predict(s.z)
		sum += mat.Inner(&p, a.matters, &p) / (own + s.variance)
	}
	return sum
}

// measure narrows the beliefs by what a candidate will show, whatever that is.
func (q *questions) measure(i int) {
	for _, a := range []*asked{&q.pressing, &q.reacting} {
		for _, s := range a.shows[i] {
			mean, _ := a.belief.Predict(s.z)
			a.belief.Observe(s.z, mean, s.variance)
		}
	}
}

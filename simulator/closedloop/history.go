package closedloop

import (
	"math"
	"strconv"
	"time"

	"github.com/ballast-k8s/ballast/simulator/hotel"
)

// The histogram of VPA v1.7.3 for CPU: bucket b begins at firstBucket·(growth^b − 1)/(growth − 1) cores, a sample has the weight
// sampleWeight·2^((time − reference)/half-life), and a checkpoint gives the weights relative to the heaviest, which is heaviest.
const (
	firstBucket     = 0.01
	growth          = 1.05
	sampleWeight    = 0.1
	heaviest        = 10_000
	halfLife        = 24 * time.Hour
	checkpointForm  = "v3"
	historyMinutes  = 8 * 24 * 60
	windowSeconds   = 15 // metrics-server's resolution: what the recommender sees once a minute
	marginFraction  = 0.15
	targetQuantile  = 0.90
	milliPerCore    = 1000
	roundingSurplus = 1e-9
)

// History is what VPA's recommender remembers of a workload's CPU: a decaying histogram of usage per pod, in the cluster's time.
type History struct {
	end, first, last time.Time
	halfLife         time.Duration
	reference        time.Time
	weights          map[int]float64
	total            float64
	samples          int
}

// NewHistory is eight days of an hour that repeats, up to a time: once a minute each replica has used what the minute's last window of
// rates asks of it, the more the slower it runs. Speeds are the replicas', 1 = undisturbed. Times are divided by the speedup.
func NewHistory(demand, speeds []float64, end time.Time, speedup float64) History {
	scaled := func(d time.Duration) time.Duration { return time.Duration(float64(d) / speedup) }
	h := History{end: end, halfLife: scaled(halfLife), weights: map[int]float64{}}
	h.reference = end.Truncate(h.halfLife)
	h.first, h.last = end.Add(-scaled(historyMinutes*time.Minute)), end.Add(-scaled(time.Minute))
	for i := range historyMinutes {
		at := h.first.Add(scaled(time.Duration(i) * time.Minute))
		weight := sampleWeight * math.Exp2(float64(at.Sub(h.reference))/float64(h.halfLife))
		for _, speed := range speeds {
			h.weights[bucket(demand[i%len(demand)]/speed)] += weight
			h.total += weight
			h.samples++
		}
	}
	return h
}

// demand is what a replica of a service uses, undisturbed, in the last window of each minute of a trace: rates times work.
func demand(load Load, s hotel.Service) []float64 {
	work := hotel.WorkPerRequest()[s.Name] / float64(s.Replicas)
	out := make([]float64, 0, hourMinutes)
	for end := minuteSeconds; end <= len(load.PerSecond); end += minuteSeconds {
		var sum float64
		for _, r := range load.PerSecond[end-windowSeconds : end] {
			sum += r
		}
		out = append(out, sum/windowSeconds*hotel.RateMultiplier*work)
	}
	return out
}

// bucket is the number of the bucket that holds so many cores.
func bucket(cores float64) int {
	if cores < firstBucket {
		return 0
	}
	return int(math.Log(cores*(growth-1)/firstBucket+1) / math.Log(growth))
}

// bucketStart is where a bucket begins, in cores.
func bucketStart(b int) float64 {
	return firstBucket * (math.Pow(growth, float64(b)) - 1) / (growth - 1)
}

// Target is what the stock recommender asks for on this history alone, in millicores: the end of the bucket of the 90th percentile
// and a margin.
func (h History) Target() int64 { return targetOf(h.targetBucket()) }

// explains says whether a target can come of this history. A checkpoint's weights are rounded, which may move the percentile to the
// next bucket.
func (h History) explains(target int64) bool {
	b := h.targetBucket()
	return target >= targetOf(b-1)-1 && target <= targetOf(b+1)+1
}

// targetBucket is the bucket of the 90th percentile.
func (h History) targetBucket() int {
	var sum float64
	for b := 0; ; b++ {
		if sum += h.weights[b]; sum >= targetQuantile*h.total*(1-roundingSurplus) {
			return b
		}
	}
}

// targetOf is what the stock recommender asks for if the percentile is in a bucket, cut off to millicores as VPA does.
func targetOf(b int) int64 { return int64(bucketStart(b+1) * (1 + marginFraction) * milliPerCore) }

// Status is the status of a VerticalPodAutoscalerCheckpoint. Memory has no history: the VPA objects here do not control it.
func (h History) Status() map[string]any {
	var top float64
	for _, w := range h.weights {
		top = max(top, w)
	}
	weights := map[string]any{}
	for b, w := range h.weights {
		if n := int64(math.Round(w / top * heaviest)); n > 0 {
			weights[strconv.Itoa(b)] = n
		}
	}
	text := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	return map[string]any{
		"version":          checkpointForm,
		"cpuHistogram":     map[string]any{"referenceTimestamp": text(h.reference), "bucketWeights": weights, "totalWeight": h.total},
		"memoryHistogram":  map[string]any{"referenceTimestamp": text(h.reference), "bucketWeights": map[string]any{}, "totalWeight": 0.0},
		"firstSampleStart": text(h.first), "lastSampleStart": text(h.last), "lastUpdateTime": text(h.end),
		"totalSamplesCount": int64(h.samples),
	}
}

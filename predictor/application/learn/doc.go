// Package learn fits an application (package application) to recorded traces and, where there are any, CPU figures.
//
// # Windows
//
// Time is divided into windows. A request and all its calls are of the window that the request begins in. A call's time is what its
// caller saw of it, less what it waited for other calls: work of the service, the wire, and waiting for the service before it begins.
//
// # Laws
//
// Work of a service is the median over windows of CPU used over calls of size 1, but at most their median time: one thread uses no more
// than a core, and what was used beyond that is not for calls. CPU used in a window beyond what its calls need at that is somebody
// else's in the container, and lowers what the calls can obtain. latency.Fit then finds Fixed and Stretch. Without CPU figures half of the
// time is taken for work at one core (application.Prior), with a spread of PriorSpread.
//
// How busy a pod was in a window is what it used over what it could obtain; the rate of calls, of which only a share may have spans, is
// taken from there where it agrees with the spans to within their sampling. Burst is the variance of the counts of requests beyond that of
// independent ones (package arrivals). What calls of a pattern become in series and parallel is package seriesparallel's.
//
// Shift is the first percentile of times, at most nine tenths of their mean. Shape and Growth come from the variance within windows
// (latency.Shape), by operation, so that neither load nor the mix of operations is taken for chance, and each window at what it was under.
//
// # Tail
//
// The entry's 95th percentile is predicted for every window from what the services worked under then, with laws fitted without that part
// of the windows (Folds, in turn). Tail is the factor on all these predictions within which 95 % of the requests of all windows together
// stayed: a window that was worse than predicted counts by how many requests it made late, and half after latency.HalfLife later ones, so that
// those under CPU that was allocated soon count for more than those before. The load it is predicted with is the mean of the windows around
// it, because that is what CPU is planned for, unless it is another load altogether. The conformal interval is of the ratios of
// observed to predicted percentiles by windows. Where there is one window only, it is predicted with the fit itself.
package learn

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// InterferenceModel carries what Ballast learned about how workload classes slow each other down on a node. It is published by
// the recommender's leader, or by hand with `ballast interference publish`; ballast-scheduler reads it.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName=im
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.spec.version`
// +kubebuilder:printcolumn:name="Mixes",type=integer,JSONPath=`.spec.fit.mixes`
// +kubebuilder:printcolumn:name="Error",type=number,JSONPath=`.spec.fit.meanAbsolutePercentageError`
// +kubebuilder:printcolumn:name="R2",type=number,JSONPath=`.spec.fit.r2`
// +kubebuilder:printcolumn:name="Published",type=date,JSONPath=`.spec.publishedAt`
type InterferenceModel struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec InterferenceModelSpec `json:"spec"`
}

// InterferenceModelSpec is interference.Document, field for field, and the times that a stored model carries. The predictor's
// documentation says what each number means.
type InterferenceModelSpec struct {
	// PublishedAt is when the model was last confirmed as current. Readers go blind on it when it is older than they accept.
	PublishedAt metav1.Time `json:"publishedAt"`
	// TrainingWindow is when the measurements were taken, where that is known.
	// +optional
	TrainingWindow *TrainingWindow `json:"trainingWindow,omitempty"`

	// Format names the layout of the rest; a reader that does not know it goes blind rather than guess.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Format string `json:"format"`
	// Version is the fingerprint of the content.
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{12}$`
	Version string `json:"version"`
	// Source says in words what the model was fitted on.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Source string `json:"source,omitempty"`
	// Rank is the length of the pressure and presence vectors.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=8
	Rank int `json:"rank"`
	// InteractingDimensions is how many of the first dimensions interact.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=8
	// +optional
	InteractingDimensions int `json:"interactingDimensions,omitempty"`
	// InteractionUnits is the load that counts as 1 in interactions.
	// +kubebuilder:validation:Minimum=0
	// +optional
	InteractionUnits float64 `json:"interactionUnits,omitempty"`
	// Classes are the workload classes.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=200
	// +listType=map
	// +listMapKey=name
	Classes []InterferenceClass `json:"classes"`
	// Setting is the machine shape and partitioning that classes and mixes are of.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Setting string `json:"setting,omitempty"`
	// Settings are the other ones that were measured.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Settings []InterferenceSetting `json:"settings,omitempty"`
	// Mixes are the measured mixes kept for look-up.
	// +kubebuilder:validation:MaxItems=2000
	// +listType=atomic
	// +optional
	Mixes []MeasuredMix `json:"mixes,omitempty"`
	// Fit is the model's error on held-out mixes.
	Fit FitQuality `json:"fit"`
}

// TrainingWindow is a closed interval of time.
type TrainingWindow struct {
	From metav1.Time `json:"from"`
	To   metav1.Time `json:"to"`
}

// InterferenceClass is interference.Class.
type InterferenceClass struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	Name string `json:"name"`
	// +kubebuilder:validation:MaxItems=8
	// +listType=atomic
	Pressure []float64 `json:"pressure"`
	// +kubebuilder:validation:MaxItems=8
	// +listType=atomic
	Presence []float64 `json:"presence"`
	// +kubebuilder:validation:MaxItems=17
	// +listType=atomic
	Response []float64 `json:"response"`
	// +kubebuilder:validation:MaxItems=153
	// +listType=atomic
	Covariance []float64 `json:"covariance"`
	// +kubebuilder:validation:MaxItems=143
	// +listType=atomic
	// +optional
	Interactions []float64 `json:"interactions,omitempty"`
	// +kubebuilder:validation:Minimum=0
	ResidualStdDev float64 `json:"residualStdDev"`
	// +kubebuilder:validation:Minimum=0
	NoiseStdDev float64 `json:"noiseStdDev"`
	// +kubebuilder:validation:Minimum=0
	NoiseDegrees int `json:"noiseDegrees"`
	// +kubebuilder:validation:Minimum=0
	IntervalScale float64 `json:"intervalScale"`
	// +kubebuilder:validation:Minimum=0
	Min float64 `json:"min"`
	// +kubebuilder:validation:Minimum=0
	Max float64 `json:"max"`
	// +kubebuilder:validation:Minimum=0
	MaxUnits float64 `json:"maxUnits"`
	// +kubebuilder:validation:Minimum=0
	ExtrapolationStdDev float64 `json:"extrapolationStdDev"`
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{0,50}$`
	// +optional
	Seen string `json:"seen,omitempty"`
	// +kubebuilder:validation:Minimum=0
	// +optional
	UnseenLoadStdDev float64 `json:"unseenLoadStdDev,omitempty"`
	// +kubebuilder:validation:Minimum=0
	// +optional
	UnseenPresenceStdDev float64 `json:"unseenPresenceStdDev,omitempty"`
	// +kubebuilder:validation:Minimum=0
	Observations int `json:"observations"`
	// +optional
	Provenance *InterferenceProvenance `json:"provenance,omitempty"`
}

// InterferenceProvenance is interference.Provenance: where a class's numbers come from if not from a fit.
type InterferenceProvenance struct {
	// +kubebuilder:validation:Enum=probes;updates
	From string `json:"from"`
	// Since and Updated are strings so that the model's fingerprint is that of its file.
	// +kubebuilder:validation:Format=date-time
	// +optional
	Since string `json:"since,omitempty"`
	// +kubebuilder:validation:Format=date-time
	// +optional
	Updated string `json:"updated,omitempty"`
	// +kubebuilder:validation:Minimum=0
	// +optional
	Probes int `json:"probes,omitempty"`
	// +kubebuilder:validation:Minimum=0
	// +optional
	Updates int `json:"updates,omitempty"`
	// +kubebuilder:validation:Minimum=0
	// +optional
	Clipped int `json:"clipped,omitempty"`
	// +kubebuilder:validation:Minimum=0
	// +optional
	Above float64 `json:"above,omitempty"`
	// +kubebuilder:validation:Minimum=0
	// +optional
	Below float64 `json:"below,omitempty"`
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Drift string `json:"drift,omitempty"`
}

// InterferenceSetting is interference.Setting.
type InterferenceSetting struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// +kubebuilder:validation:MaxItems=200
	// +listType=atomic
	Pressure []float64 `json:"pressure"`
	// +kubebuilder:validation:Minimum=0
	Cells int `json:"cells"`
}

// MeasuredMix is interference.MeasuredMix.
type MeasuredMix struct {
	// +kubebuilder:validation:MaxItems=200
	// +listType=atomic
	Classes []int `json:"classes"`
	// +kubebuilder:validation:MaxItems=200
	// +listType=atomic
	Units []float64 `json:"units"`
	// +kubebuilder:validation:MaxItems=200
	// +listType=atomic
	Performance []float64 `json:"performance"`
	// +kubebuilder:validation:MaxItems=200
	// +listType=atomic
	Repeats []int `json:"repeats"`
	// +kubebuilder:validation:Format=date-time
	// +optional
	Measured string `json:"measured,omitempty"`
}

// FitQuality is interference.Quality.
type FitQuality struct {
	Mixes          int     `json:"mixes"`
	Cells          int     `json:"cells"`
	EffectiveMixes float64 `json:"effectiveMixes"`
	FitAccuracy    `json:",inline"`
	// +optional
	OtherCampaign *FitAccuracy `json:"otherCampaign,omitempty"`
	// +optional
	OlderCells int     `json:"olderCells,omitempty"`
	Coverage   float64 `json:"coverage"`
}

// FitAccuracy is interference.Accuracy.
type FitAccuracy struct {
	MeanAbsolutePercentageError float64 `json:"meanAbsolutePercentageError"`
	R2                          float64 `json:"r2"`
	// +kubebuilder:validation:MaxItems=2
	// +listType=atomic
	StandardErrors []float64 `json:"standardErrors,omitempty"`
}

// InterferenceModelList is a list of InterferenceModel.
//
// +kubebuilder:object:root=true
type InterferenceModelList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []InterferenceModel `json:"items"`
}

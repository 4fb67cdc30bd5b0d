package reports

// The parts of an OSCAL document, as far as katacert writes them. Their names are
// those of NIST's model (https://pages.nist.gov/OSCAL/resources/concepts/layer/assessment/assessment-results/).
type (
	oscalProp struct {
		Name  string `json:"name"`
		NS    string `json:"ns,omitempty"`
		Value string `json:"value"`
	}
	oscalMetadata struct {
		Title        string      `json:"title"`
		LastModified string      `json:"last-modified"`
		Version      string      `json:"version"`
		OSCALVersion string      `json:"oscal-version"`
		Props        []oscalProp `json:"props,omitempty"`
		Remarks      string      `json:"remarks,omitempty"`
	}
	oscalImport struct {
		Href    string `json:"href"`
		Remarks string `json:"remarks,omitempty"`
	}
	oscalPart struct {
		ID    string      `json:"id,omitempty"`
		Name  string      `json:"name"`
		Props []oscalProp `json:"props,omitempty"`
		Prose string      `json:"prose,omitempty"`
	}
	// oscalObjective is one control of katacert's catalogue, which OSCAL has no
	// catalogue of.
	oscalObjective struct {
		ControlID   string      `json:"control-id"`
		Description string      `json:"description"`
		Props       []oscalProp `json:"props,omitempty"`
		Parts       []oscalPart `json:"parts"`
	}
	oscalComponent struct {
		UUID        string      `json:"uuid"`
		Type        string      `json:"type"`
		Title       string      `json:"title"`
		Description string      `json:"description"`
		Props       []oscalProp `json:"props,omitempty"`
		Status      oscalState  `json:"status"`
	}
	oscalState struct {
		State   string `json:"state"`
		Reason  string `json:"reason,omitempty"`
		Remarks string `json:"remarks,omitempty"`
	}
	oscalItem struct {
		UUID        string         `json:"uuid"`
		Description string         `json:"description"`
		Props       []oscalProp    `json:"props,omitempty"`
		Components  []oscalPointer `json:"implemented-components,omitempty"`
	}
	// oscalPointer names another part of the document; one of its fields is set.
	oscalPointer struct {
		Component   string `json:"component-uuid,omitempty"`
		Observation string `json:"observation-uuid,omitempty"`
		Risk        string `json:"risk-uuid,omitempty"`
	}
	oscalPlatform struct {
		UUID  string         `json:"uuid"`
		Title string         `json:"title"`
		Uses  []oscalPointer `json:"uses-components"`
	}
	oscalAssets struct {
		Components []oscalComponent `json:"components"`
		Platforms  []oscalPlatform  `json:"assessment-platforms"`
	}
	oscalSelection struct {
		Description string          `json:"description,omitempty"`
		Controls    []oscalSelected `json:"include-controls,omitempty"`
		NoControls  []oscalSelected `json:"exclude-controls,omitempty"`
		Objectives  []oscalSelected `json:"include-objectives,omitempty"`
		NoObjective []oscalSelected `json:"exclude-objectives,omitempty"`
		Remarks     string          `json:"remarks,omitempty"`
	}
	oscalSelected struct {
		Control   string `json:"control-id,omitempty"`
		Objective string `json:"objective-id,omitempty"`
	}
	oscalReviewed struct {
		Controls   []oscalSelection `json:"control-selections"`
		Objectives []oscalSelection `json:"control-objective-selections,omitempty"`
	}
	oscalLogEntry struct {
		UUID  string `json:"uuid"`
		Title string `json:"title"`
		Start string `json:"start"`
		End   string `json:"end"`
	}
	oscalSubject struct {
		UUID string `json:"subject-uuid"`
		Type string `json:"type"`
	}
	oscalEvidence struct {
		Href        string `json:"href"`
		Description string `json:"description"`
	}
	oscalObservation struct {
		UUID        string          `json:"uuid"`
		Title       string          `json:"title"`
		Description string          `json:"description"`
		Props       []oscalProp     `json:"props"`
		Methods     []string        `json:"methods"`
		Types       []string        `json:"types"`
		Subjects    []oscalSubject  `json:"subjects"`
		Evidence    []oscalEvidence `json:"relevant-evidence,omitempty"`
		Collected   string          `json:"collected"`
		Remarks     string          `json:"remarks,omitempty"`
	}
	oscalRisk struct {
		UUID         string         `json:"uuid"`
		Title        string         `json:"title"`
		Description  string         `json:"description"`
		Statement    string         `json:"statement"`
		Props        []oscalProp    `json:"props,omitempty"`
		Status       string         `json:"status"`
		Remediations []oscalRemedy  `json:"remediations,omitempty"`
		Observations []oscalPointer `json:"related-observations,omitempty"`
	}
	oscalRemedy struct {
		UUID        string `json:"uuid"`
		Lifecycle   string `json:"lifecycle"`
		Title       string `json:"title"`
		Description string `json:"description"`
	}
	oscalFinding struct {
		UUID         string         `json:"uuid"`
		Title        string         `json:"title"`
		Description  string         `json:"description"`
		Props        []oscalProp    `json:"props,omitempty"`
		Target       oscalTarget    `json:"target"`
		Observations []oscalPointer `json:"related-observations,omitempty"`
		Risks        []oscalPointer `json:"related-risks,omitempty"`
	}
	oscalTarget struct {
		Type     string     `json:"type"`
		TargetID string     `json:"target-id"`
		Status   oscalState `json:"status"`
	}
	oscalResource struct {
		UUID        string      `json:"uuid"`
		Title       string      `json:"title"`
		Description string      `json:"description"`
		RLinks      []oscalLink `json:"rlinks,omitempty"`
	}
	oscalLink struct {
		Href      string `json:"href"`
		MediaType string `json:"media-type,omitempty"`
	}
)

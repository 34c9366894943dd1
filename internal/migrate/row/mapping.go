package row

// Mapping carries rows of a table of the old side into the form of the new side and back.
type Mapping struct{}

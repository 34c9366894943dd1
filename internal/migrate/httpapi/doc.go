// Package httpapi serves the commands, the evidence and the dossier of migrations over the admin API. The
// Migration objects themselves are served by object/httpapi.
package httpapi

{{- define "photochrom.name" -}}
{{- printf "%s-photochrom" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "photochrom.selector" -}}
app.kubernetes.io/name: photochrom
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "photochrom.labels" -}}
{{ include "photochrom.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

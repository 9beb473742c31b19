/** What we answer instead, and why: `docs/api-differences.md` tells of each. */
export const DIFFERENCES: Readonly<Record<string, { readonly answer: string; readonly reason: string }>> = {
  'daemonSet, least, as a table': {
    answer:
      '200 {"apiVersion":"meta.k8s.io/v1","columnDefinitions":[{"format":"name","name":"Name","priority":0,"type":"string"},{"format":"","name":"Desired","priority":0,"type":"integer"},{"format":"","name":"Current","priority":0,"type":"integer"},{"format":"","name":"Ready","priority":0,"type":"integer"},{"format":"","name":"Up-to-date","priority":0,"type":"integer"},{"format":"","name":"Available","priority":0,"type":"integer"},{"format":"","name":"Node Selector","priority":0,"type":"string"},{"format":"","name":"Age","priority":0,"type":"string"},{"format":"","name":"Containers","priority":1,"type":"string"},{"format":"","name":"Images","priority":1,"type":"string"},{"format":"","name":"Selector","priority":1,"type":"string"}],"kind":"Table","metadata":{"resourceVersion":"N"},"rows":[{"cells":["x",0,0,0,0,0,"<none>","age","c","busybox","app=x"],"object":{"apiVersion":"meta.k8s.io/v1","kind":"PartialObjectMetadata","metadata":{"annotations":{"deprecated.daemonset.template.generation":"1"},"creationTimestamp":"time","generation":1,"name":"x","namespace":"default","resourceVersion":"N","uid":"uid"}}}]}',
    reason: 'the object in a row is the same as everywhere',
  },
  'get as a table of another version': {
    answer: '406 NotAcceptable: only the following media types are accepted: application/json, application/yaml',
    reason: 'no protobuf is sent',
  },
  'get of what cannot be had': {
    answer: '406 NotAcceptable: only the following media types are accepted: application/json, application/yaml',
    reason: 'no protobuf is sent',
  },
  'review as a table': {
    answer: '406 NotAcceptable: only the following media types are accepted: application/json, application/yaml',
    reason: 'no protobuf is sent',
  },
  'create with a uid': {
    answer:
      '201 {"apiVersion":"v1","kind":"ConfigMap","metadata":{"creationTimestamp":"time","name":"x","namespace":"default","resourceVersion":"N","uid":"uid"}}',
    reason: 'a generation counts from one',
  },
  'create of another kind': {
    answer:
      '400 BadRequest: Secret in version "v1" cannot be handled as a ConfigMap: no kind "Secret" is registered for this path, it serves v1, Kind=ConfigMap',
    reason: 'the path names the kind',
  },
  'create of another version': {
    answer: '400 BadRequest: the API version in the data (v2) does not match the expected API version (v1)',
    reason: 'the path names the version',
  },
  'create of a list': {
    answer:
      '400 BadRequest: ConfigMapList in version "v1" cannot be handled as a ConfigMap: no kind "ConfigMapList" is registered for this path, it serves v1, Kind=ConfigMap',
    reason: 'the path names the kind',
  },
  'delete with another kind': {
    answer:
      '200 {"apiVersion":"v1","details":{"kind":"configmaps","name":"x","uid":"uid"},"kind":"Status","metadata":{},"status":"Success"}',
    reason: 'options are options',
  },
  'delete with malformed options': {
    answer:
      "400 BadRequest: the object provided is unrecognized (must be of type DeleteOptions): couldn't get version/kind; json parse error: unexpected end of JSON input ({)",
    reason: 'it is the client who is wrong',
  },
  'eventV1: of nothing': {
    answer:
      '422 Invalid: Event.events.k8s.io "x" is invalid: [eventTime: Required value, reportingController: Required value, reportingInstance: Required value, action: Required value, reason: Required value, type: Required value] [FieldValueRequired(eventTime) FieldValueRequired(reportingController) FieldValueRequired(reportingInstance) FieldValueRequired(action) FieldValueRequired(reason) FieldValueRequired(type)]',
    reason: 'everything that is missing is said at once',
  },
  'workload: claim, that grows too early': {
    answer:
      '422 Invalid: PersistentVolumeClaim "x" is invalid: spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims [FieldValueForbidden(spec)]',
    reason: 'no printed structs of Go',
  },
  'method: PATCH with no type': {
    answer:
      '415 UnsupportedMediaType: the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml, application/apply-patch+cbor, application/strategic-merge-patch+json',
    reason: 'says which types there are',
  },
  'apply: the same as another': {
    answer:
      '200 {"apiVersion":"v1","data":{"a":"1"},"kind":"ConfigMap","metadata":{"creationTimestamp":"time","managedFields":[{"apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:a":{}}},"manager":"me","operation":"Apply","time":"time"},{"apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:a":{}}},"manager":"you","operation":"Apply","time":"time"}],"name":"x","namespace":"default","resourceVersion":"N","uid":"uid"}}',
    reason: 'every entry has its time',
  },
  'scale: then read': {
    answer:
      '200 {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"creationTimestamp":"time","generation":2,"managedFields":[{"apiVersion":"apps/v1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:progressDeadlineSeconds":{},"f:revisionHistoryLimit":{},"f:selector":{},"f:strategy":{"f:rollingUpdate":{".":{},"f:maxSurge":{},"f:maxUnavailable":{}},"f:type":{}},"f:template":{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{"k:{\\"name\\":\\"c\\"}":{".":{},"f:image":{},"f:imagePullPolicy":{},"f:name":{},"f:resources":{},"f:terminationMessagePath":{},"f:terminationMessagePolicy":{}}},"f:dnsPolicy":{},"f:restartPolicy":{},"f:schedulerName":{},"f:securityContext":{},"f:terminationGracePeriodSeconds":{}}}}},"manager":"peer","operation":"Update","time":"time"},{"apiVersion":"apps/v1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:replicas":{}}},"manager":"peer","operation":"Update","subresource":"scale","time":"time"}],"name":"x","namespace":"default","resourceVersion":"N","uid":"uid"},"spec":{"progressDeadlineSeconds":600,"replicas":4,"revisionHistoryLimit":10,"selector":{"matchLabels":{"app":"x"}},"strategy":{"rollingUpdate":{"maxSurge":"25%","maxUnavailable":"25%"},"type":"RollingUpdate"},"template":{"metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"image":"busybox","imagePullPolicy":"Always","name":"c","resources":{},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],"dnsPolicy":"ClusterFirst","restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":30}}},"status":{}}',
    reason: 'every entry has its time',
  },
  'merge patch: uid': {
    answer:
      '422 Invalid: ConfigMap "x" is invalid: metadata.uid: Invalid value: "abc": field is immutable [FieldValueInvalid(metadata.uid)]',
    reason: 'one cause, said once',
  },
  'merge patch: a label that is none': {
    answer:
      "422 Invalid: ConfigMap \"x\" is invalid: metadata.labels: Invalid value: \"!\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?') [FieldValueInvalid(metadata.labels)]",
    reason: 'one cause, said once',
  },
  'strategic patch: wrong type': {
    answer:
      '422 Invalid:  "" is invalid: patch: Invalid value: "{\\"apiVersion\\":\\"v1\\",\\"data\\":[\\"a\\"],\\"kind\\":\\"ConfigMap\\",\\"metadata\\":{\\"name\\":\\"x\\",\\"namespace\\":\\"default\\",\\"uid\\":\\"uid\\",\\"resourceVersion\\":\\"N\\",\\"creationTimestamp\\":\\"time\\"}}": json: cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string [FieldValueInvalid(patch)]',
    reason: 'says which field',
  },
  'runtimeClass: a toleration twice': {
    answer:
      '422 Invalid: RuntimeClass.node.k8s.io "x" is invalid: scheduling.tolerations[1]: Duplicate value: {"key":"a","operator":"Exists","effect":"NoSchedule"} [FieldValueDuplicate(scheduling.tolerations[1])]',
    reason: 'members as JSON names them',
  },
  'flowSchema: no method': {
    answer:
      '422 Invalid: FlowSchema.flowcontrol.apiserver.k8s.io "x" is invalid: spec.distinguisherMethod.type: Unsupported value: {"type":"ByMoon"}: supported values: "ByNamespace", "ByUser" [FieldValueNotSupported(spec.distinguisherMethod.type)]',
    reason: 'members as JSON names them',
  },
  'flowSchema: that changes': {
    answer:
      '200 {"apiVersion":"flowcontrol.apiserver.k8s.io/v1","kind":"FlowSchema","metadata":{"creationTimestamp":"time","generation":2,"name":"x","resourceVersion":"N","uid":"uid"},"spec":{"matchingPrecedence":7,"priorityLevelConfiguration":{"name":"global-default"}},"status":{}}',
    reason: 'nobody limits by it',
  },
  'volumeAttributesClass: full': {
    answer:
      '201 {"apiVersion":"storage.k8s.io/v1","driverName":"a.test","kind":"VolumeAttributesClass","metadata":{"creationTimestamp":"time","name":"x","resourceVersion":"N","uid":"uid"},"parameters":{"a":"b"}}',
    reason: 'nothing here uses such a class',
  },
  'volumeAttributesClass: as a table': {
    answer:
      '200 {"apiVersion":"meta.k8s.io/v1","columnDefinitions":[{"format":"name","name":"Name","priority":0,"type":"string"},{"format":"","name":"DriverName","priority":0,"type":"string"},{"format":"","name":"Age","priority":0,"type":"string"}],"kind":"Table","metadata":{"resourceVersion":"N"},"rows":[{"cells":["x","a.test","age"],"object":{"apiVersion":"meta.k8s.io/v1","kind":"PartialObjectMetadata","metadata":{"creationTimestamp":"time","name":"x","resourceVersion":"N","uid":"uid"}}}]}',
    reason: 'nothing here uses such a class',
  },
};

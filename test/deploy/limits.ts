/** What a run against ministack 1.5.33 says nothing about. Each was seen in its source, in a probe, or in runs. */
export const LIMITS: readonly string[] = [
  'that AWS takes the templates: it knows no quotas and few rules about properties (cfn-lint, cdk-nag and the template tests are there for that)',
  'roles and policies: it runs everything as the account’s root. Its AUTH mode knows neither kms:EncryptionContext nor the attributes of an UpdateItem, nor aws:ResourceAccount of CDK’s own bootstrap (the local platform enforces the roles)',
  'alarms over metric maths: kept and never evaluated. The others are evaluated when something calls PutMetricData, over all dimensions together, without M of N and missing data; history has no actions (the local platform evaluates them all)',
  'metrics in EMF lines: it keeps them as log lines and makes no metrics of them; so sweep-heartbeat and secret-errors have no data here',
  'the firewall, the throttles of routes and the access log: kept, never applied',
  'KMS: its ciphertexts are not authenticated, key policies are not asked, and the encryption of tables, topics and queues is not done',
  'tables: deletion protection, point-in-time recovery, TTL and the key of AWS::DynamoDB::GlobalTable are dropped by its CloudFormation',
  'reserved concurrency of functions is dropped by its CloudFormation; memory and arm64 mean nothing: functions are processes of this machine’s Node',
  'GenerateSecretString: ExcludePunctuation is ignored, so the run puts the state key itself',
  'TLS, DNS, a custom domain, e-mail and https subscriptions: all is plain HTTP on 127.0.0.1, and http://localhost/api stands before API Gateway’s own address',
  'environments but local: only env=local may name provider origins; what dev, staging and prod have beyond it is in the template tests',
  'the providers (they are the simulators), AWS’s latencies, cold starts, scale, redeliveries and outages',
];

import { CfnOutput } from 'aws-cdk-lib';
import { DomainName, EndpointType, type IRestApi, type RestApi, SecurityPolicy } from 'aws-cdk-lib/aws-apigateway';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { ApiGatewayDomain } from 'aws-cdk-lib/aws-route53-targets';
import { Construct } from 'constructs';
import { STAGE } from '../lib/domain/routes.ts';
import type { Config } from './config.ts';

export interface ApiDomainProps {
  readonly api: RestApi;
  readonly domain: NonNullable<Config['domain']>;
}

/**
 * The API under a name of its own: `https://<name>/api`, the base path being the stage's name, so that every path is the
 * same as at API Gateway's address. TLS 1.2 and newer. The name is made in the zone where one is given; otherwise
 * somebody points it at the output `DomainTarget`.
 */
export class ApiDomain extends Construct {
  constructor(scope: Construct, id: string, { api, domain }: ApiDomainProps) {
    super(scope, id);
    const { name, certificateArn, hostedZoneId } = domain;
    const named = new DomainName(this, 'Name', {
      domainName: name,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', certificateArn),
      endpointType: EndpointType.REGIONAL,
      securityPolicy: SecurityPolicy.TLS_1_2,
      // CDK's own types contradict each other under exactOptionalPropertyTypes.
      mapping: api as IRestApi,
      basePath: STAGE,
    });
    const target = new CfnOutput(this, 'DomainTarget', {
      value: named.domainNameAliasDomainName,
      description: `What ${name} must be an alias (CNAME) of`,
    });
    // Under this name the README speaks of it; CDK would put the constructs' names before it and a hash after.
    target.overrideLogicalId('DomainTarget');
    if (hostedZoneId === undefined) return;
    new ARecord(this, 'Alias', {
      // A name that ends with a dot is whole; the zone's own name is not needed.
      zone: HostedZone.fromHostedZoneAttributes(this, 'Zone', { hostedZoneId, zoneName: name }),
      recordName: `${name}.`,
      target: RecordTarget.fromAlias(new ApiGatewayDomain(named)),
    });
  }
}

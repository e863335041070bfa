/** What staging and prod leave to be chosen. */
export const CHOSEN = {
  frontendUrl: 'https://app.example.com',
  partnerName: 'Example',
  connectBinding: 'interstitial',
  returnUrls: ['https://app.example.com/connected'],
  pageAddresses: ['on-call@example.com'],
} as const;

/** prod with every setting that makes resources. */
export const COMPLETE = {
  ...CHOSEN,
  env: 'prod',
  ticketAddresses: ['https://tickets.example.com/grantkeeper'],
  domain: {
    name: 'tokens.example.com',
    certificateArn: 'arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555',
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
  },
  consumers: {
    invoicing: {
      organisations: '*',
      providers: ['quickbooks', 'xero'],
      principals: ['arn:aws:iam::210987654321:role/invoicing', 'arn:aws:iam::310987654321:root'],
    },
    payroll: { organisations: ['acme'], providers: ['xero'] },
  },
  eventTargets: [
    { kind: 'sns', arn: 'arn:aws:sns:us-east-1:123456789012:ledger' },
    {
      kind: 'lambda',
      arn: 'arn:aws:lambda:us-east-1:123456789012:function:ledger',
      events: ['Connection Needs Reauth'],
    },
  ],
} as const;

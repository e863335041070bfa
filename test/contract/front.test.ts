import { startFront } from '../support/front.ts';
import { frontContract } from '../support/front-contract.ts';

frontContract('the embedded DynamoDB', startFront);

/** Fetched and not installed with the rest: 230 MB, most of it Node 22 and fauxqs' own clients of AWS. */
export const PACKAGES = ['dynalite@4.0.0', 'fauxqs@2.4.1'];

/** Any will do for an emulator. They are in the environment, where the clients and other processes look for them. */
export const ENVIRONMENT = {
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_REGION: 'us-east-1',
  AWS_EC2_METADATA_DISABLED: 'true',
};

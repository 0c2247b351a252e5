import { pairProfileSchema } from '../pair/profile.js';

const source = 'replicate-mcp 0.9.0';

export const replicatePredictions = pairProfileSchema.parse({
  name: 'replicate-predictions',
  source,
  start: {
    tool: ['create_predictions', 'create_models_predictions', 'create_deployments_predictions'],
    handleAt: 'id',
  },
  status: {
    tool: 'get_predictions',
    handleArgument: 'prediction_id',
    statusAt: 'status',
    handleAt: 'id',
    errorAt: 'error',
  },
  cancel: { tool: 'cancel_predictions', handleArgument: 'prediction_id' },
});

export const replicateTrainings = pairProfileSchema.parse({
  name: 'replicate-trainings',
  source,
  start: { tool: 'create_trainings', handleAt: 'id' },
  status: {
    tool: 'get_trainings',
    handleArgument: 'training_id',
    statusAt: 'status',
    handleAt: 'id',
    errorAt: 'error',
  },
  cancel: { tool: 'cancel_trainings', handleArgument: 'training_id' },
});

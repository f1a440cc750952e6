/** `GET /v1/models`: what this person may use, as OpenAI lists it. */
import { Type } from 'typebox';
import type { ModelInfo } from '../runtimes/runtime-port.ts';
import { modelsOf } from '../turns/model-choice.ts';
import type { TypedApp } from '../wire/typed-app.ts';
import { chooseModel, type ModelDependencies } from './model-choice.ts';
import { ModelList, ModelShape, openAiErrors } from './openai-shapes.ts';

/** Registers `/v1/models` and `/v1/models/:model`. */
export function modelRoutes(app: TypedApp, deps: ModelDependencies): void {
  app.get(
    '/v1/models',
    {
      config: { scope: 'chats:read' },
      schema: {
        tags: ['openai'],
        summary: 'Models, as OpenAI lists them',
        response: { 200: ModelList, ...openAiErrors },
      },
    },
    async (request) => {
      const models = await modelsOf(deps, request.principal.userId);
      return { object: 'list' as const, data: models.map(modelView) };
    },
  );
  app.get(
    '/v1/models/:model',
    {
      config: { scope: 'chats:read' },
      schema: {
        tags: ['openai'],
        summary: 'One model, as OpenAI shows it',
        params: Type.Object({ model: Type.String() }),
        response: { 200: ModelShape, ...openAiErrors },
      },
    },
    async (request) => modelView(await chooseModel(deps, request.principal.userId, request.params.model)),
  );
}

/** Nobody tells when a model was made, or whose it is. */
function modelView({ id }: ModelInfo) {
  return { id, object: 'model' as const, created: 0, owned_by: 'pilothouse' };
}

import * as v from 'valibot';

/** What is read of a manager's answers about services, checked: it may be any program. Its own names are kept. */

const id = v.pipe(v.string(), v.regex(/^[0-9a-z]+$/));
const labels = v.nullish(v.record(v.string(), v.string()));

export const madeAnswer = v.union([v.object({ ID: id }), v.object({ Id: id })]);

export const serviceAnswer = v.object({
  ID: id,
  Version: v.object({ Index: v.number() }),
  Spec: v.looseObject({
    Name: v.string(),
    Labels: labels,
    Mode: v.looseObject({ Replicated: v.optional(v.looseObject({ Replicas: v.optional(v.number(), 0) })) }),
  }),
});

export type Service = v.InferOutput<typeof serviceAnswer>;

export const serviceList = v.array(serviceAnswer);

const port = v.object({ TargetPort: v.number(), PublishedPort: v.optional(v.number()) });

export const taskList = v.array(
  v.object({
    ID: id,
    CreatedAt: v.string(),
    NodeID: v.optional(v.string(), ''),
    DesiredState: v.string(),
    Spec: v.nullish(v.object({ ContainerSpec: v.nullish(v.object({ Image: v.optional(v.string()) })) })),
    Status: v.object({
      State: v.string(),
      Err: v.optional(v.string(), ''),
      Message: v.optional(v.string(), ''),
      ContainerStatus: v.nullish(v.object({ ExitCode: v.optional(v.number(), 0) })),
      PortStatus: v.nullish(v.object({ Ports: v.nullish(v.array(port)) })),
    }),
  }),
);

export type Task = v.InferOutput<typeof taskList>[number];

export const nodeAnswer = v.object({
  ID: id,
  Status: v.object({ State: v.string(), Addr: v.optional(v.string(), '') }),
});

export type Node = v.InferOutput<typeof nodeAnswer>;

/** Secrets and configs. */
export const fileList = v.array(v.object({ ID: id, Spec: v.object({ Name: v.string(), Labels: labels }) }));

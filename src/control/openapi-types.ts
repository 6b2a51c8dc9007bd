// Made of openapi.json by `npm run openapi-types`.

export interface paths {
  '/v1/keys': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Let a public key log in to the sidecars that are made from now on */
    post: operations['registerKey'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/sidecars': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Every sidecar of the user that is not gone */
    get: operations['listSidecars'];
    put?: never;
    /**
     * Make a sidecar and start it
     * @description Answers as soon as it is on its way. The client repeats it unchanged after 1, 2 and 4 s at 500, 502, 503, 504 and where the connection fails: however often it comes, one sidecar comes of one `requestId`.
     */
    post: operations['createSidecar'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/sidecars/{id}': {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: components['parameters']['Id'];
      };
      cookie?: never;
    };
    /** How a sidecar is */
    get: operations['getSidecar'];
    put?: never;
    post?: never;
    /** End a sidecar and all that was made for it */
    delete: operations['deleteSidecar'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/sidecars/{id}/resume': {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: components['parameters']['Id'];
      };
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Start a sidecar that is in standby; one that runs is left alone
     * @description Asked by whoever opens a session until it is accepted (202, 409), and then again no sooner than 30 s later, where `GET` still says `standby`.
     */
    post: operations['resumeSidecar'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/health': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Whether the service works */
    get: operations['health'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}
export interface components {
  schemas: {
    NewKey: {
      /** @description For a person. */
      title: string;
      /** @description `ssh-ed25519 AAAA…` */
      publicKey: string;
    };
    NewSidecar: {
      /** @description Unique among the sidecars of the user. */
      name: string;
      /** @description What it is to be made of, in the terms of the service. */
      image?: string;
      /** @description Chosen by the client: tells this creation from every other. */
      requestId: string;
    };
    SidecarList: {
      sidecars: components['schemas']['Sidecar'][];
    };
    Sidecar: {
      /** @description The name that the service has for it. */
      id: string;
      /** @description As the client asked for. */
      name: string;
      /** @description Of its creation. */
      requestId: string;
      state: components['schemas']['State'];
      /** @description Why it is so, for a person. */
      reason?: string;
      /** @description The workspace that is to be used there. */
      workdir?: string;
      ssh?: components['schemas']['Ssh'];
    };
    /**
     * @description `running` may come before its SSH server answers. One in `standby` keeps its disk, and is resumed by the client when it is needed.
     * @enum {string}
     */
    State: 'creating' | 'starting' | 'running' | 'standby' | 'failed' | 'deleting';
    /** @description How to log in. There from `running` on at the latest. */
    Ssh: {
      endpoint: components['schemas']['Endpoint'];
      /** @description Who logs in. */
      user: string;
      /** @description The keys of its SSH server, `ssh-ed25519 AAAA…`: the client connects to no other. */
      hostKeys: string[];
    };
    Endpoint: components['schemas']['TcpEndpoint'] | components['schemas']['WebSocketEndpoint'];
    TcpEndpoint: {
      /** @constant */
      kind: 'tcp';
      /** @description A name or an address. */
      host: string;
      port: number;
    };
    /** @description SSH in binary messages. */
    WebSocketEndpoint: {
      /** @constant */
      kind: 'websocket';
      /** @description wss://…, or ws://… on the client's own machine. */
      url: string;
    };
    Failure: {
      error: components['schemas']['FailureDetail'];
    };
    FailureDetail: {
      /** @description For a program, such as `not_found`. */
      code: string;
      /** @description What happened and why, in a line for the user. No secret. */
      message: string;
    };
    AlreadyExists: {
      error: {
        /** @constant */
        code: 'already_exists';
        message?: string;
      };
      sidecar: components['schemas']['Sidecar'];
    };
    Health: {
      /** @description `ok`, or in a word what is wrong. */
      status: string;
    };
  };
  responses: {
    /** @description There is no token, or it is not good any more: the client asks for a new one, and once more for this. */
    Unauthenticated: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        'application/json': components['schemas']['Failure'];
      };
    };
    /** @description It will not be done, and nothing was. */
    Refused: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        'application/json': components['schemas']['Failure'];
      };
    };
    /** @description There is no such sidecar; right after it was made it may only not be known everywhere yet. Without this document, a 404 says that the address is wrong. */
    Unknown: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        'application/json': components['schemas']['Failure'];
      };
    };
    /** @description There was such a sidecar, and it is deleted. */
    Gone: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        'application/json': components['schemas']['Failure'];
      };
    };
    /** @description Too many requests. */
    Later: {
      headers: {
        'Retry-After': components['headers']['RetryAfter'];
        [name: string]: unknown;
      };
      content: {
        'application/json': components['schemas']['Failure'];
      };
    };
    /** @description Something went wrong. */
    Failed: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        'application/json': components['schemas']['Failure'];
      };
    };
    /** @description It cannot be done now. It may come of a gateway, which knows nothing of these documents. */
    Gateway: {
      headers: {
        'Retry-After': components['headers']['RetryAfter'];
        [name: string]: unknown;
      };
      content: {
        'application/json': components['schemas']['Failure'];
        'text/html': unknown;
        'text/plain': unknown;
      };
    };
  };
  parameters: {
    Id: string;
  };
  requestBodies: never;
  headers: {
    /** @description How long to leave it alone: seconds, or a date. */
    RetryAfter: string;
  };
  pathItems: never;
}
export interface operations {
  registerKey: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['NewKey'];
      };
    };
    responses: {
      /** @description It is registered. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      400: components['responses']['Refused'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Refused'];
      /** @description It was registered before, which is as good. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      429: components['responses']['Later'];
      500: components['responses']['Failed'];
      502: components['responses']['Gateway'];
      503: components['responses']['Gateway'];
      504: components['responses']['Gateway'];
      '4XX': components['responses']['Refused'];
      '5XX': components['responses']['Gateway'];
    };
  };
  listSidecars: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description All of them. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['SidecarList'];
        };
      };
      400: components['responses']['Refused'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Refused'];
      429: components['responses']['Later'];
      500: components['responses']['Failed'];
      502: components['responses']['Gateway'];
      503: components['responses']['Gateway'];
      504: components['responses']['Gateway'];
      '4XX': components['responses']['Refused'];
      '5XX': components['responses']['Gateway'];
    };
  };
  createSidecar: {
    parameters: {
      query?: never;
      header: {
        /** @description The `requestId` again. */
        'Idempotency-Key': string;
      };
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['NewSidecar'];
      };
    };
    responses: {
      /** @description It is made; or was, for the same `requestId`. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Sidecar'];
        };
      };
      400: components['responses']['Refused'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Refused'];
      /** @description There is one of that name. Where its `requestId` is the one that was sent, this is as good as 201. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['AlreadyExists'];
        };
      };
      429: components['responses']['Later'];
      500: components['responses']['Failed'];
      502: components['responses']['Gateway'];
      503: components['responses']['Gateway'];
      504: components['responses']['Gateway'];
      '4XX': components['responses']['Refused'];
      '5XX': components['responses']['Gateway'];
    };
  };
  getSidecar: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: components['parameters']['Id'];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description So it is. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Sidecar'];
        };
      };
      400: components['responses']['Refused'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Refused'];
      404: components['responses']['Unknown'];
      410: components['responses']['Gone'];
      429: components['responses']['Later'];
      500: components['responses']['Failed'];
      502: components['responses']['Gateway'];
      503: components['responses']['Gateway'];
      504: components['responses']['Gateway'];
      '4XX': components['responses']['Refused'];
      '5XX': components['responses']['Gateway'];
    };
  };
  deleteSidecar: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: components['parameters']['Id'];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It is gone, or about to be. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      400: components['responses']['Refused'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Refused'];
      404: components['responses']['Unknown'];
      410: components['responses']['Gone'];
      429: components['responses']['Later'];
      500: components['responses']['Failed'];
      502: components['responses']['Gateway'];
      503: components['responses']['Gateway'];
      504: components['responses']['Gateway'];
      '4XX': components['responses']['Refused'];
      '5XX': components['responses']['Gateway'];
    };
  };
  resumeSidecar: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: components['parameters']['Id'];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It is on its way. `GET` tells when it runs. */
      202: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      400: components['responses']['Refused'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Refused'];
      404: components['responses']['Unknown'];
      /** @description It is on its way already, or runs, which is as good. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      410: components['responses']['Gone'];
      429: components['responses']['Later'];
      500: components['responses']['Failed'];
      502: components['responses']['Gateway'];
      503: components['responses']['Gateway'];
      504: components['responses']['Gateway'];
      '4XX': components['responses']['Refused'];
      '5XX': components['responses']['Gateway'];
    };
  };
  health: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It does. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Health'];
        };
      };
      '5XX': components['responses']['Gateway'];
    };
  };
}

// The gRPC service both ends agree on: Who.Are({}) -> the network namespace of the server, as text.
import type { ServiceDefinition } from '@grpc/grpc-js'

const text = { serialize: (value: string) => Buffer.from(value), deserialize: (bytes: Buffer) => bytes.toString() }

const method = {
  requestSerialize: text.serialize,
  requestDeserialize: text.deserialize,
  responseSerialize: text.serialize,
  responseDeserialize: text.deserialize,
  requestStream: false,
} as const

export const who = {
  are: { ...method, path: '/Who/Are', responseStream: false },
  watch: { ...method, path: '/Who/Watch', responseStream: true },
} satisfies ServiceDefinition

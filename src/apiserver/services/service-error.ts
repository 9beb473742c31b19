import type { Service } from '#api/generated/types.ts';
import { invalidStatus, type FieldError } from '#api/field-error.ts';
import { StatusError } from '../status-error.ts';

export function invalidService(service: Service, errors: readonly FieldError[]): StatusError {
  return new StatusError(invalidStatus({ group: '', kind: 'Service' }, service.metadata.name, errors));
}

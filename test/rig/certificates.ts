import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { machineFacts } from '../../runtime/hosts/engine/facts.ts';
import { programOfRoot } from '../../runtime/hosts/engine/program.ts';
import { sharedRoot } from './engine.ts';
import { tempFolder } from './folder.ts';

/** A certificate with its key, PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority, and a server (127.0.0.1, localhost) and a client that it vouches for. */
export interface TestCertificates {
  readonly ca: string;
  readonly server: Certificate;
  readonly client: Certificate;
}

/** Makes certificates with Debian's OpenSSL, valid for two days. */
export async function testCertificates(): Promise<TestCertificates> {
  const root = await sharedRoot();
  const [program, ...loader] = programOfRoot(root, { path: 'usr/bin/openssl', facts: await machineFacts() });
  await using folder = await tempFolder('certificates');
  const { path } = folder;
  const openssl = (...args: readonly string[]): Promise<unknown> =>
    promisify(execFile)(program, [...loader, ...args], {
      cwd: path,
      env: { OPENSSL_CONF: join(root, 'etc/ssl/openssl.cnf') },
    });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    '2',
    '-subj',
    '/CN=test authority',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  const issue = async (name: string, extension: string): Promise<Certificate> => {
    await writeFile(join(path, `${name}.ext`), extension);
    await openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    const signing = [
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '2',
    ];
    await openssl('x509', ...signing, '-extfile', `${name}.ext`, '-out', `${name}.pem`);
    return {
      cert: await readFile(join(path, `${name}.pem`), 'utf8'),
      key: await readFile(join(path, `${name}.key`), 'utf8'),
    };
  };
  return {
    ca: await readFile(join(path, 'ca.pem'), 'utf8'),
    server: await issue('server', 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n'),
    client: await issue('client', 'extendedKeyUsage=clientAuth\n'),
  };
}

import type { TreeItem } from '../rig/tree.ts';

/** One build that both programs are given. */
export interface DockerfileCase {
  readonly name: string;
  readonly files: Readonly<Record<string, TreeItem>>;
  /** Beside the output; the context `.` follows. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Another context than `.`, or what stdin holds for `-`. */
  readonly context?: string;
  readonly input?: string;
}

/** The start of a stage that has a shell. */
const SHELL = [
  'FROM scratch AS shell',
  'ARG TARGETARCH',
  'COPY --from=busybox ${TARGETARCH}/busybox /bin/busybox',
  'RUN ["/bin/busybox", "--install", "-s", "/bin"]',
  '',
].join('\n');

const text = (...lines: readonly string[]): string => `${lines.join('\n')}\n`;
const shell = (...lines: readonly string[]): string => SHELL + text(...lines);

/** What people write in Dockerfiles, and what they write seldom. */
export const CASES: readonly DockerfileCase[] = [
  { name: 'one file', files: { Dockerfile: text('FROM scratch', 'COPY a /a'), a: 'a' } },
  {
    name: 'stages that copy from each other, by name and number',
    files: {
      Dockerfile: text(
        'FROM scratch AS one',
        'COPY a /a',
        'FROM scratch',
        'COPY b /b',
        'FROM scratch',
        'COPY --from=one /a /x/',
        'COPY --from=1 /b /y',
      ),
      a: 'a',
      b: 'b',
    },
  },
  {
    name: 'a target in the middle',
    files: { Dockerfile: text('FROM scratch AS one', 'COPY a /a', 'FROM one', 'COPY b /b'), a: 'a', b: 'b' },
    args: ['--target', 'one'],
  },
  {
    name: 'heredocs',
    files: {
      Dockerfile: text(
        'FROM scratch',
        'COPY <<one.txt <<"two.txt" /files/',
        'first $PATH',
        'one.txt',
        'second $PATH',
        'two.txt',
        'COPY <<-TAB /tab.txt',
        '\tindented',
        'TAB',
      ),
    },
  },
  {
    name: 'a heredoc that is run',
    files: { Dockerfile: shell('RUN <<EOF', 'set -e', 'echo one > /one', 'echo two > /two', 'EOF') },
  },
  {
    name: 'COPY --link',
    files: { Dockerfile: text('FROM scratch', 'COPY --link a /deep/a', 'COPY --link dir /dir/'), a: 'a', 'dir/b': 'b' },
  },
  {
    name: 'COPY --chmod and --chown',
    files: {
      Dockerfile: text(
        'FROM scratch',
        'COPY --chmod=600 --chown=1000:2000 a /a',
        'COPY --chmod=u=rwX,go=rX dir /dir',
        'ADD --chown=3 a /b',
      ),
      a: 'a',
      'dir/sub/b': 'b',
    },
  },
  {
    name: 'COPY --exclude',
    files: {
      Dockerfile: text('FROM scratch', 'COPY --exclude=*.md --exclude=sub/*.log . /all/'),
      'a.txt': 'a',
      'a.md': 'a',
      'sub/b.log': 'b',
      'sub/b.txt': 'b',
    },
  },
  {
    name: 'COPY of globs',
    files: {
      Dockerfile: text('FROM scratch', 'COPY a?.txt [b-c]*.log /g/'),
      'a1.txt': '1',
      'a22.txt': '2',
      'c.log': '3',
    },
  },
  {
    name: 'a working directory that comes about',
    files: { Dockerfile: text('FROM scratch', 'WORKDIR /app/src', 'COPY a .', 'WORKDIR ../lib', 'COPY a b/'), a: 'a' },
  },
  {
    name: 'RUN in its two forms',
    files: { Dockerfile: shell('RUN echo $0 > /shell', 'RUN ["/bin/sh", "-c", "echo exec > /exec"]') },
  },
  {
    name: 'RUN with a cache mount',
    files: { Dockerfile: shell('RUN --mount=type=cache,target=/cache,id=same echo 1 >> /cache/n; echo done > /out') },
  },
  {
    name: 'RUN with a bind mount of the context and of a stage',
    files: {
      Dockerfile: shell(
        'FROM scratch AS data',
        'COPY a /a',
        'FROM shell',
        'RUN --mount=type=bind,source=b,target=/b cp /b /from-context',
        'RUN --mount=from=data,source=/a,target=/in cp /in /from-stage',
        'RUN --mount=type=bind,target=/w,rw sh -c "echo lost > /w/new; ls /w > /list"',
      ),
      a: 'a',
      b: 'b',
    },
  },
  {
    name: 'RUN with tmpfs',
    files: { Dockerfile: shell('RUN --mount=type=tmpfs,target=/t,size=1m sh -c "echo x > /t/x; wc -c /t/x > /size"') },
  },
  {
    name: 'RUN with secrets from a file and the environment',
    files: {
      Dockerfile: shell(
        'RUN --mount=type=secret,id=file wc -c < /run/secrets/file > /one',
        'RUN --mount=type=secret,id=word,env=WORD sh -c "echo -n $WORD | wc -c > /two"',
        'RUN --mount=type=secret,id=file,target=/s,mode=0440,uid=5 ls -ln /s | cut -c 1-20 > /three',
      ),
      'secret.txt': 'not told\n',
    },
    args: ['--secret', 'id=file,src=secret.txt', '--secret', 'id=word,env=WORD_OF_TEST'],
    env: { WORD_OF_TEST: 'hidden' },
  },
  {
    name: 'RUN without a network, and with the host in /etc/hosts',
    files: {
      Dockerfile: shell(
        'RUN --network=none ip addr | grep -c "^[0-9]" > /devices',
        'RUN grep db.test /etc/hosts > /hosts',
      ),
    },
    args: ['--add-host', 'db.test:10.1.2.3'],
  },
  {
    name: 'arguments in their scopes',
    files: {
      Dockerfile: text(
        'ARG BASE=scratch',
        'ARG VERSION=1',
        'FROM ${BASE} AS one',
        'LABEL outside=$VERSION',
        'ARG VERSION',
        'LABEL inside=$VERSION',
        'ARG OWN=${VERSION}-x',
        'LABEL own=$OWN none=${MISSING:-none} set=${VERSION:+set}',
      ),
    },
    args: ['--build-arg', 'VERSION=2'],
  },
  {
    name: 'arguments that shape variables',
    files: {
      Dockerfile: text(
        'FROM scratch',
        'ARG FILE=dir/app.tar.gz',
        'LABEL a=${FILE#*.} b=${FILE##*.} c=${FILE%.*} d=${FILE%%.*} e=${FILE/dir/x} f=${FILE//a/A}',
      ),
    },
  },
  {
    name: 'an argument from the environment, and one that is not set',
    files: { Dockerfile: text('FROM scratch', 'ARG FROM_ENV', 'ARG UNSET', 'LABEL e=$FROM_ENV u=$UNSET') },
    args: ['--build-arg', 'FROM_ENV', '--build-arg', 'UNSET'],
    env: { FROM_ENV: 'of the environment' },
  },
  {
    name: 'the platform arguments',
    files: {
      Dockerfile: text(
        'FROM scratch',
        'ARG TARGETPLATFORM TARGETOS TARGETARCH TARGETVARIANT BUILDPLATFORM',
        'LABEL t=$TARGETPLATFORM o=$TARGETOS a=$TARGETARCH v=$TARGETVARIANT b=$BUILDPLATFORM',
      ),
    },
    args: ['--platform', 'linux/arm64,linux/arm/v7'],
  },
  {
    name: 'one foreign platform',
    files: { Dockerfile: text('FROM scratch', 'COPY a /a'), a: 'a' },
    args: ['--platform', 'linux/arm64'],
  },
  {
    name: 'everything an image can be configured with',
    files: {
      Dockerfile: text(
        'FROM scratch',
        'ENV A=1 B="two words" C=$A-3',
        'EXPOSE 80 443/tcp 53/udp',
        'VOLUME ["/data", "/more"]',
        'USER 1000:1000',
        'STOPSIGNAL SIGQUIT',
        'ENTRYPOINT ["/app"]',
        'CMD ["--help"]',
        'LABEL org.opencontainers.image.title="An app" multi.line="a \\',
        '  b"',
      ),
    },
  },
  {
    name: 'HEALTHCHECK',
    files: {
      Dockerfile: text(
        'FROM scratch AS none',
        'HEALTHCHECK NONE',
        'FROM none',
        'HEALTHCHECK --interval=5s --timeout=3s --start-period=1m --retries=4 CMD ["/check"]',
      ),
    },
  },
  {
    name: 'SHELL',
    files: { Dockerfile: shell('SHELL ["/bin/busybox", "ash", "-e", "-c"]', 'RUN echo $0 > /name', 'CMD echo hi') },
  },
  {
    name: 'ONBUILD',
    files: {
      Dockerfile: text(
        'FROM scratch AS base',
        'ONBUILD COPY a /a',
        'ONBUILD LABEL built=yes',
        'FROM base',
        'COPY b /b',
      ),
      a: 'a',
      b: 'b',
    },
  },
  {
    name: 'ADD of archives, unpacked and not',
    files: {
      Dockerfile: shell(
        'RUN mkdir /in && echo a > /in/a && touch -d 2001-01-01 /in/a && tar -czf /t.tgz -C /in a',
        'FROM scratch',
        'COPY --from=shell /t.tgz /copied.tgz',
        'ADD --unpack=false a /plain',
      ),
      a: 'a',
    },
  },
  {
    name: 'continued lines, comments and another escape',
    files: {
      Dockerfile: text(
        '# escape=`',
        'FROM scratch',
        '# a comment',
        'LABEL a=1 `',
        '  # within',
        '  b=2',
        'COPY a C:\\x',
      ),
      a: 'a',
    },
  },
  {
    name: 'an ignore file with ** and !',
    files: {
      Dockerfile: text('FROM scratch', 'COPY . /all'),
      '.dockerignore': text('**/*.log', '!keep/**/*.log', 'node_modules', '**/tmp', '!**/tmp/important'),
      'a.log': '1',
      'keep/x/b.log': '2',
      'node_modules/m/i.js': '3',
      'sub/node_modules/n.js': '4',
      'sub/tmp/x': '5',
      'sub/tmp/important': '6',
    },
  },
  {
    name: 'an ignore file that leaves out everything but',
    files: {
      Dockerfile: text('FROM scratch', 'COPY . /all'),
      '.dockerignore': text('*', '!src', 'src/**/*_test.go', '# comment', '', '/dist', '!Dockerfile'),
      'src/main.go': '1',
      'src/a/b_test.go': '2',
      'other/x': '3',
    },
  },
  {
    name: 'an ignore file of the Dockerfile',
    files: {
      'web.Dockerfile': text('FROM scratch', 'COPY . /all'),
      'web.Dockerfile.dockerignore': text('b', '*.Dockerfile*', '.dockerignore'),
      '.dockerignore': text('a'),
      a: 'a',
      b: 'b',
    },
    args: ['-f', 'web.Dockerfile'],
  },
  {
    name: 'symbolic links, also to nowhere and outside',
    files: {
      Dockerfile: text('FROM scratch', 'COPY . /all'),
      'dir/file': 'x',
      inside: { link: 'dir/file' },
      folder: { link: 'dir' },
      nowhere: { link: 'gone' },
      outside: { link: '../../../etc/hostname' },
      absolute: { link: '/etc/hostname' },
    },
  },
  {
    name: 'a link that is copied by its name',
    files: {
      Dockerfile: text('FROM scratch', 'COPY link /copied', 'COPY folder/file /through'),
      'dir/file': 'x',
      link: { link: 'dir/file' },
      folder: { link: 'dir' },
    },
  },
  {
    name: 'names of one file twice',
    files: {
      Dockerfile: text('FROM scratch', 'COPY . /all'),
      a: 'same',
      b: { hardLink: 'a' },
      'sub/c': { hardLink: 'a' },
    },
  },
  {
    name: 'names in all scripts, and odd ones',
    files: {
      Dockerfile: text('FROM scratch', 'COPY . /all', 'COPY ["with space", "/by name"]'),
      'with space': '1',
      'größe.txt': '2',
      日本語: '3',
      '🚀': '4',
      'e\u0301': '5',
      'back\\slash': '6',
      '-dash': '7',
      'quote\'"': '8',
      '.hidden': '9',
      'a,b;c&d': '10',
    },
  },
  {
    name: 'empty folders and files',
    files: { Dockerfile: text('FROM scratch', 'COPY . /all'), empty: '', 'dir/sub': 'a folder' },
  },
  {
    name: 'labels, and names that sort',
    files: { Dockerfile: text('FROM scratch', 'LABEL z=1 a=2') },
    args: ['--label', 'b=3', '--label', 'a=over', '--label', 'empty', '--label', 'eq=a=b'],
  },
  {
    name: 'annotations',
    files: { Dockerfile: text('FROM scratch', 'COPY a /a'), a: 'a' },
    args: [
      '--annotation',
      'a=b',
      '--annotation',
      'manifest-descriptor:c=d',
      '--annotation',
      'index:e=f',
      '--platform',
      'linux/amd64,linux/arm64',
    ],
  },
  {
    name: 'tags',
    files: { Dockerfile: text('FROM scratch', 'COPY a /a'), a: 'a' },
    args: ['-t', 'names.example/a:1', '-t', 'names.example/b'],
  },
  {
    name: 'a time that is set, for the files as well',
    files: { Dockerfile: text('FROM scratch', 'COPY a /a'), a: 'a' },
    args: ['--build-arg', 'SOURCE_DATE_EPOCH=1700000000'],
  },
  {
    name: 'a time from the environment',
    files: { Dockerfile: text('FROM scratch', 'COPY a /a'), a: 'a' },
    env: { SOURCE_DATE_EPOCH: '1600000000' },
  },
  {
    name: 'named contexts: a folder, and one over an image',
    files: {
      Dockerfile: text('FROM scratch', 'COPY --from=more x /x', 'COPY --from=base.example/none:1 etc /', 'COPY a /a'),
      a: 'a',
      'other/x': 'x',
      'base/etc/y': 'y',
    },
    args: ['--build-context', 'more=other', '--build-context', 'base.example/none:1=base'],
  },
  {
    name: 'named contexts with ignore files of their own',
    files: {
      Dockerfile: text('FROM scratch', 'COPY --from=more . /x'),
      'other/.dockerignore': text('b'),
      'other/a': 'a',
      'other/b': 'b',
    },
    args: ['--build-context', 'more=other'],
  },
  {
    name: 'limits and shared memory',
    files: {
      Dockerfile: shell('RUN df -k /dev/shm | tail -1 | tr -s " " | cut -d " " -f 2 > /shm; ulimit -n > /nofile'),
    },
    args: ['--shm-size', '96m', '--ulimit', 'nofile=1024:2048'],
  },
  {
    name: 'a Dockerfile from stdin, over a folder',
    files: { a: 'a' },
    args: ['-f', '-'],
    input: text('FROM scratch', 'COPY a /from-stdin'),
  },
  {
    name: 'a Dockerfile from stdin, and nothing else',
    files: {},
    context: '-',
    input: text('FROM scratch', 'LABEL from=stdin'),
  },
  {
    name: 'a folder below, with a Dockerfile beside it',
    files: { 'docker/Dockerfile': text('FROM scratch', 'COPY . /all'), 'app/a': 'a', 'app/sub/b': 'b' },
    args: ['-f', 'docker/Dockerfile'],
    context: 'app',
  },
  {
    name: 'a Dockerfile in lower case',
    files: { dockerfile: text('FROM scratch', 'COPY a /a'), a: 'a' },
  },
  {
    name: 'no cache for one stage',
    files: { Dockerfile: text('FROM scratch AS one', 'COPY a /a', 'FROM scratch', 'COPY --from=one /a /b'), a: 'a' },
    args: ['--no-cache-filter', 'nothing'],
  },
];

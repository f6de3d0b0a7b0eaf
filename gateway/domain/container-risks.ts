import { visibleText } from './visible-text'

const engines = new Set(['docker', 'podman', 'nerdctl'])
/** Options of `run` that take the next word. */
const valued = new Set(
  (
    '-a --attach --add-host --annotation --blkio-weight --cap-add --cap-drop --cgroupns --cgroup-parent --cidfile ' +
    '-c --cpu-shares --cpus --cpuset-cpus --device --dns --domainname --entrypoint -e --env --env-file --expose ' +
    '--gpus --group-add --health-cmd -h --hostname --ip --ipc -l --label --log-driver --log-opt --mac-address ' +
    '-m --memory --memory-swap --mount --name --net --network --network-alias --oom-score-adj --pid ' +
    '--pids-limit --platform -p --publish --pull --restart --runtime --security-opt --shm-size --stop-signal ' +
    '--stop-timeout --storage-opt --sysctl --tmpfs --ulimit -u --user --userns --uts -v --volume --volume-driver ' +
    '--volumes-from -w --workdir'
  ).split(' '),
)
const ofTheHost = new Set(['--network', '--net', '--pid', '--ipc', '--uts', '--userns', '--cgroupns'])
const wider = new Set(['--cap-add', '--device', '--security-opt', '--volumes-from'])

/** Options with their values up to the image, and the image. */
function readRun(words: readonly string[]): { options: [string, string][]; image: string | null } {
  const options: [string, string][] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (!word.startsWith('-')) return { options, image: word }
    const [, attachedName, attached] = /^(-[vemupwlha])(.+)$/.exec(word) ?? []
    const [name = '', value] = word.startsWith('--') ? word.split(/=(.*)/s) : [attachedName ?? word, attached]
    options.push([name, value ?? (valued.has(name) ? (words[++at] ?? '') : '')])
  }
  return { options, image: null }
}

/** What stands out when a container is started: how much of the machine it gets, and which image it is. */
export function containerRisks(program: string, rest: readonly string[]): string[] {
  if (!engines.has(program)) return []
  const from = rest.findIndex((word) => word === 'run' || word === 'create')
  if (from < 0) return []
  const { options, image } = readRun(rest.slice(from + 1))
  const found: string[] = []
  for (const [name, value] of options) {
    const shown = `"${name}${value ? ` ${visibleText(value)}` : ''}"`
    if (name === '--privileged' && value !== 'false')
      found.push('"--privileged": the container can do all that this computer can')
    if (ofTheHost.has(name) && value.startsWith('host'))
      found.push(`${shown}: shares that with this computer`)
    if (wider.has(name)) found.push(`${shown}: gives the container more than usual`)
    const isVolume = name === '-v' || name === '--volume'
    const isMount = name === '--mount' && /type=bind|(src|source)=[/\\~.]/.test(value)
    if ((isVolume && /^([/\\~.]|[A-Za-z]:)/.test(value)) || isMount)
      found.push(`${shown}: the container gets a folder of this computer`)
    if (/docker\.sock|podman\.sock|containerd\.sock/.test(value))
      found.push(`${shown}: the container can start others, with all rights`)
  }
  const last = image?.split('/').at(-1) ?? ''
  if (image && !image.includes('@sha256:') && (!last.includes(':') || last.endsWith(':latest')))
    found.push(
      `"${visibleText(image)}": no exact version is named, so what runs can be another program tomorrow`,
    )
  return found
}

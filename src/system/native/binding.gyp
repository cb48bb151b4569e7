{
  'targets': [
    {
      'target_name': 'tandem',
      'sources': [
        'module.c',
        'support.c',
        'clock.c',
        'process.c',
        'gate.c',
        'link.c',
        'netlink.c',
        'address.c',
        'packet.c',
        'neighbour.c',
        'watchdog.c',
      ],
      'defines': ['_GNU_SOURCE', 'NAPI_VERSION=8'],
      'cflags': ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Wno-unused-parameter'],
    },
  ],
}

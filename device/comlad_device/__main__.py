from comlad_device.cli import main

if __name__ == "__main__":
    main()
